/**
 * One WebSocket: its messages one by one, its sends with backpressure, its time limits. Whatever the client does, what waits
 * in memory for it is bounded. It must not know what the messages mean.
 */
import { type RawData, WebSocket } from "ws";
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import type { Client } from "./api-key-auth.js";
import { laterRound } from "./fair-rounds.js";
import type { Admission } from "./gate.js";

export interface ConnectionLimits {
  /** The bytes that may wait for a client that does not read; beyond them sends wait too. */
  readonly unreadBytes: number;
  /** Without any traffic for this long, or with sends that wait for this long, the connection ends. */
  readonly idleMs: number;
  readonly lifetimeMs: number;
}

export interface ConnectionAccess {
  readonly client: Client;
  readonly admit: () => Admission;
}

/** The protocol above a connection. */
export interface ConnectionHandler {
  /** `text` is null for a binary message. The next message waits for the result. */
  onMessage(text: string | null): Promise<void>;
  /** The connection has lived its time; the handler says so and closes it. */
  onExpired(): void;
  /** `byClient`: it said that it is done; else the connection was lost, we ended it, or a page was left that may come back. */
  onClosed(byClient: boolean): void;
}

/** Close codes of RFC 6455. */
export const closeCodes = { normal: 1000, goingAway: 1001, tryAgainLater: 1013 } as const;

/**
 * Codes of a client that is done: 1000, or a close frame without a code, which ws reports as 1005. A browser sends 1001 for a page
 * that is reloaded or left (RFC 6455, 7.4.1), and codes from 4000 on where a page opens its connection anew.
 */
const goodbyeCodes: readonly number[] = [1000, 1005];

/** Messages that wait for the handler before the socket is not read any more. */
const maxInbox = 16;
/** A client that does not answer the closing handshake in this time is cut off. */
const closeTimeoutMs = 2000;

export class Connection {
  /** Who opened it. */
  readonly client: Client;
  readonly #socket: WebSocket;
  readonly #admit: () => Admission;
  readonly #limits: ConnectionLimits;
  readonly #clock: Clock;
  readonly #timers = new Set<() => void>();
  readonly #inbox: (string | null)[] = [];
  #handler: ConnectionHandler | null = null;
  #handling = false;
  #closing = false;
  #sawTraffic = true;
  /** The last one that has no answer yet. */
  #ping: Buffer | null = null;

  constructor(socket: WebSocket, access: ConnectionAccess, limits: ConnectionLimits, clock: Clock) {
    this.#socket = socket;
    this.client = access.client;
    this.#admit = access.admit;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** For each request that comes over it: throws API_KEY_INVALID once the key was revoked, and RATE_LIMITED. */
  admit(): Admission {
    return this.#admit();
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on("pong", () => this.#noteTraffic());
    this.#socket.on("ping", (data) => this.#answerPing(data));
    this.#socket.on("error", () => this.#socket.terminate()); // ws has sent the close code that fits: 1002, 1007, 1009
    this.#socket.on("close", (code) => this.#cleanUp(goodbyeCodes.includes(code) && !this.#closing));
    this.#after(this.#limits.lifetimeMs, () => handler.onExpired());
    this.#watchTraffic();
  }

  /**
   * Sends one message, of JSON. Resolves at once while little waits for the client, else when it has read on. A client that
   * reads nothing for the idle time is cut off; what is sent to a closed connection is dropped.
   */
  async send(message: object | string): Promise<void> {
    if (!this.isOpen) return;
    const text = typeof message === "string" ? message : JSON.stringify(message);
    const flushed = new Promise<void>((resolve) => this.#socket.send(text, () => resolve()));
    if (this.#socket.bufferedAmount <= this.#limits.unreadBytes) return;
    if ((await settlesWithin(flushed, this.#limits.idleMs, this.#clock)) === "late") {
      this.close(closeCodes.tryAgainLater, "the client does not read");
    }
  }

  /** Says goodbye, and cuts the connection off when the client does not answer. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#closing = true;
    this.#socket.close(code, reason);
    this.#after(closeTimeoutMs, () => this.#socket.terminate());
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** One answer for all pings of a turn (RFC 6455, 5.5.3), and none to a client that does not read. */
  #answerPing(data: Buffer): void {
    this.#noteTraffic();
    const isScheduled = this.#ping !== null;
    this.#ping = data;
    if (isScheduled) return;
    setImmediate(() => {
      const ping = this.#ping;
      this.#ping = null;
      if (ping && this.isOpen && this.#socket.bufferedAmount <= this.#limits.unreadBytes) this.#socket.pong(ping);
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#noteTraffic();
    this.#inbox.push(isBinary ? null : String(data));
    if (this.#inbox.length >= maxInbox) this.#socket.pause();
    void this.#handleInbox();
  }

  async #handleInbox(): Promise<void> {
    if (this.#handling) return;
    this.#handling = true;
    for (let text = this.#inbox.shift(); text !== undefined && this.isOpen; text = this.#inbox.shift()) {
      await this.#handler?.onMessage(text);
      if (this.#socket.isPaused && this.#inbox.length === 0) this.#socket.resume();
      // A message that is refused is done at once; other connections have their turn before the next one.
      if (this.#inbox.length > 0) await laterRound();
    }
    this.#handling = false;
  }

  #watchTraffic(): void {
    this.#after(this.#limits.idleMs / 2, () => {
      // A socket that is paused because its messages wait for us cannot show that it lives.
      if (!this.#sawTraffic && !this.#socket.isPaused) {
        this.#socket.terminate();
        return;
      }
      this.#sawTraffic = false;
      if (this.isOpen) this.#socket.ping();
      this.#watchTraffic();
    });
  }

  #noteTraffic(): void {
    this.#sawTraffic = true;
  }

  #after(delayMs: number, action: () => void): void {
    const cancel = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
  }

  #cleanUp(byClient: boolean): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#inbox.length = 0;
    this.#handler?.onClosed(byClient);
  }
}
