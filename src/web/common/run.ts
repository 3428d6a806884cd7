/**
 * One answer on its way, from the question to its last event: over lost connections and restarts of the server, so that no token is
 * lost or comes twice. It must not know what an answer looks like.
 */
import { type Answer, finish, isOver, newAnswer, type ResponseObject, take } from "./answer.js";
import { ApiError, ask } from "./client.js";
import { Observable } from "./observable.js";
import type { Socket } from "./socket.js";
import type { WireEvent } from "./wire-event.js";

export type RunTrouble = "connection" | "busy" | "loading";

/** The time after which a connection that is silent in the middle of an answer is opened anew. */
const silenceMs = 20_000;
const longestSilenceMs = 300_000;
const watchMs = 5000;
const retryMs = 4000;
const pollMs = 2000;
/** The server may lose a response with its restart; more often than this somebody has to look at it. */
const maxRestarts = 5;
/** A server that was told to stop is not heard of any more. */
const stopLimitMs = 3000;

export class AnswerRun extends Observable {
  readonly id: string;
  /** The request, without its type and lane. */
  readonly request: object;
  readonly #socket: Socket;
  #answer: Answer;
  #trouble: RunTrouble | null = null;
  #isStopping = false;
  #restarts = 0;
  #heardAt = performance.now();
  /** Doubles with each renewal that brought nothing: a queue or a long prompt may be silent for minutes. */
  #patienceMs = silenceMs;
  #endLane = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  /** `answer`: what there was of it before the page was reloaded. */
  constructor(id: string, request: object, socket: Socket, answer?: Answer) {
    super();
    this.id = id;
    this.request = request;
    this.#socket = socket;
    this.#answer = answer ?? newAnswer(Date.now());
  }

  get answer(): Answer {
    return this.#answer;
  }

  /** The reason why nothing comes, and what is waited for; null where all is well. */
  get trouble(): RunTrouble | null {
    return this.#trouble;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  start(): void {
    this.#watch = setInterval(() => this.#lookForSilence(), watchMs);
    this.#endLane = this.#socket.openLane(this.id, {
      onOpen: () => this.#ask(),
      onEvent: (event) => this.#take(event),
      onLost: () => this.#setTrouble("connection"),
    });
    if (this.#socket.state !== "open") this.#setTrouble("connection");
  }

  /** Ends the answer with what it has. */
  stop(): void {
    if (isOver(this.#answer) || this.#isStopping) return;
    this.#isStopping = true;
    const { responseId } = this.#answer;
    const lane = responseId === null ? { stream_id: this.id } : { response_id: responseId, stream_id: this.id };
    const isSent = this.#socket.send({ type: "response.cancel", ...lane });
    if (!isSent && responseId !== null) ask("POST", `/v1/responses/${responseId}/cancel`).catch(() => {});
    setTimeout(() => this.#end("cancelled"), isSent && this.#trouble === null ? stopLimitMs : 0);
    this.changed();
  }

  #ask(): void {
    clearTimeout(this.#timer);
    if (isOver(this.#answer)) return;
    this.#heardAt = performance.now();
    const { responseId, lastNumber } = this.#answer;
    const after = lastNumber >= 0 ? { starting_after: lastNumber } : {};
    const frame =
      responseId === null
        ? { type: "response.create", ...this.request }
        : { type: "hearth:response.resume", response_id: responseId, ...after };
    this.#setTrouble(this.#socket.send({ ...frame, stream_id: this.id }) ? null : "connection");
  }

  #take(event: WireEvent): void {
    this.#heardAt = performance.now();
    this.#patienceMs = silenceMs;
    if (event.type === "error") {
      void this.#takeError(event);
      return;
    }
    this.#trouble = null;
    take(this.#answer, event, Date.now());
    if (this.#answer.error?.code === "server_shutting_down" && !this.#isStopping) this.#restart();
    else if (isOver(this.#answer)) this.#close();
    this.changed();
  }

  async #takeError(event: WireEvent): Promise<void> {
    const { code = "unknown", message = "" } = (event.error ?? {}) as { code?: string; message?: string };
    const status = Number(event.status);
    if (this.#isStopping) return this.#end("cancelled");
    if (this.#answer.responseId !== null) return this.#recover();
    if (status === 503 || status === 429) {
      this.#setTrouble(code === "model_loading" ? "loading" : "busy");
      this.#timer = setTimeout(() => this.#ask(), retryMs);
      return;
    }
    this.#answer.error = { code, message };
    this.#end("failed");
  }

  /** The stream cannot be read on from: the server may have the response as a whole, or be without it. */
  async #recover(): Promise<void> {
    try {
      const response = await ask<ResponseObject>("GET", `/v1/responses/${this.#answer.responseId}`);
      if (isOver(this.#answer)) return;
      if (response.status === "in_progress" || response.status === "queued") {
        this.#timer = setTimeout(() => void this.#recover(), pollMs);
        return;
      }
      finish(this.#answer, response);
      this.#close();
      this.changed();
    } catch (error) {
      if (isOver(this.#answer)) return;
      if (error instanceof ApiError && error.status === 404) this.#restart();
      else this.#timer = setTimeout(() => void this.#recover(), retryMs);
    }
  }

  /** Asks the question anew: what came of the answer is gone with the server that was giving it. */
  #restart(): void {
    if (this.#isStopping) {
      this.#end("cancelled");
      return;
    }
    const { askedAt } = this.#answer;
    this.#answer = newAnswer(askedAt);
    this.#restarts++;
    if (this.#restarts > maxRestarts) {
      this.#answer.error = { code: "lost", message: "" };
      this.#end("failed");
      return;
    }
    this.#setTrouble("connection");
    this.#timer = setTimeout(() => this.#ask(), retryMs / 4);
  }

  #lookForSilence(): void {
    const isSilent = performance.now() - this.#heardAt > this.#patienceMs;
    if (!isSilent || this.#answer.responseId === null || this.#socket.state !== "open") return;
    this.#heardAt = performance.now();
    this.#patienceMs = Math.min(2 * this.#patienceMs, longestSilenceMs);
    this.#socket.renew();
  }

  #end(status: "cancelled" | "failed"): void {
    if (isOver(this.#answer)) return;
    this.#answer.status = status;
    this.#answer.outputTokens ??= this.#answer.deltas || null;
    this.#close();
    this.changed();
  }

  #close(): void {
    this.#trouble = null;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#endLane();
  }

  #setTrouble(trouble: RunTrouble | null): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.changed();
  }
}
