/**
 * The page's WebSocket to /v1/responses. Opens when somebody needs it, opens anew when it was lost, sooner when the device wakes up or
 * the network is back. Hands each event to the lane that its `stream_id` names. It must not know what events mean.
 */
import { storedKey } from "./key.js";
import { Observable } from "./observable.js";
import type { WireEvent } from "./wire-event.js";

export interface LaneHandlers {
  onOpen(): void;
  onEvent(event: WireEvent): void;
  /** The connection is gone; onOpen() tells when there is another one. */
  onLost(): void;
}

export type SocketState = "idle" | "connecting" | "open" | "waiting";

const firstWaitMs = 500;
const longestWaitMs = 15_000;
/** A connection that takes longer leads nowhere. */
const openLimitMs = 10_000;
const freshMs = 60_000;
/** Code of a page that opens its connection anew; the server keeps what runs. */
const renewedCode = 4000;

export class Socket extends Observable {
  readonly #url: string;
  readonly #lanes = new Map<string, LaneHandlers>();
  readonly #onFailure: () => void;
  #socket: WebSocket | null = null;
  #state: SocketState = "idle";
  #waitMs = firstWaitMs;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPaused = false;
  #heardAt = performance.now();

  /** `onFailure` hears of each attempt that fails: a browser does not say why it did. */
  constructor(onFailure: () => void) {
    super();
    this.#url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/v1/responses`;
    this.#onFailure = onFailure;
    addEventListener("online", () => this.renew());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.#state === "waiting") this.#connect();
    });
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Returns what ends it. `handlers.onOpen` is called at once where the connection is there. */
  openLane(streamId: string, handlers: LaneHandlers): () => void {
    this.#lanes.set(streamId, handlers);
    // A connection that was silent for long may be dead without knowing it. Where other lanes use it, they look after it.
    const isFresh = this.#lanes.size > 1 || performance.now() - this.#heardAt < freshMs;
    if (this.#state === "open" && isFresh) handlers.onOpen();
    else if (this.#state === "open" || this.#state === "idle") this.#connect();
    return () => {
      if (this.#lanes.get(streamId) === handlers) this.#lanes.delete(streamId);
    };
  }

  /** False where there is no connection. */
  send(frame: object): boolean {
    if (this.#state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Opens the connection anew: the present one may be dead without knowing it. */
  renew(): void {
    if (this.#state === "idle" || this.#isPaused) return;
    this.#connect();
  }

  /** No attempts until resume(): there is no key that would let this page in. */
  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#timer);
  }

  resume(): void {
    this.#isPaused = false;
    this.#waitMs = firstWaitMs;
    if (this.#lanes.size > 0 && this.#state !== "open") this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    if (this.#isPaused) return;
    const before = this.#socket;
    this.#socket = null;
    if (before) this.#tellLost();
    before?.close(renewedCode);
    this.#setState("connecting");
    const key = storedKey();
    // A browser wants one of the protocols that it offers to be chosen; the server never chooses the one with the key.
    const socket = new WebSocket(this.#url, key === null ? [] : [`openai-insecure-api-key.${key}`, "hearth"]);
    this.#socket = socket;
    const limit = setTimeout(() => this.#lose(socket), openLimitMs);
    socket.onopen = () => {
      clearTimeout(limit);
      if (this.#socket !== socket) return;
      this.#waitMs = firstWaitMs;
      this.#heardAt = performance.now();
      this.#setState("open");
      for (const lane of [...this.#lanes.values()]) lane.onOpen();
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      this.#heardAt = performance.now();
      this.#receive(String(data));
    };
    socket.onclose = () => {
      clearTimeout(limit);
      this.#lose(socket);
    };
  }

  #receive(data: string): void {
    const event: WireEvent = JSON.parse(data);
    const { stream_id: streamId } = event;
    if (typeof streamId === "string") this.#lanes.get(streamId)?.onEvent(event);
  }

  #lose(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    const wasOpen = this.#state === "open";
    this.#socket = null;
    socket.close();
    if (wasOpen) this.#tellLost();
    else this.#onFailure();
    if (this.#lanes.size === 0) {
      this.#setState("idle"); // nobody needs it now
      return;
    }
    this.#setState("waiting");
    if (this.#isPaused) return;
    // Many pages of one home must not come back in the same moment.
    this.#timer = setTimeout(() => this.#connect(), this.#waitMs * (0.75 + Math.random() / 2));
    this.#waitMs = Math.min(this.#waitMs * 2, longestWaitMs);
  }

  #tellLost(): void {
    for (const lane of [...this.#lanes.values()]) lane.onLost();
  }

  #setState(state: SocketState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.changed();
  }
}
