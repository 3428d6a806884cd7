/**
 * Hands on in small portions what a socket reads at once (up to 64 KiB, which may be thousands of requests or frames), and lets
 * every other connection have its turn between two of them. Knows nothing of what the bytes mean.
 */
import type { Socket } from "node:net";
import { inALaterRound } from "./fair-rounds.js";

export interface PortionOptions {
  /** Whether the consumer can take more at the moment. */
  readonly mayGoOn: () => boolean;
  /** How many of the bytes the next portion has; at least one. */
  readonly cut: (bytes: Buffer) => number;
}

type Consumer = (bytes: Buffer) => void;

export class Portions {
  readonly #socket: Socket;
  readonly #options: PortionOptions;
  readonly #consumers: Set<unknown>;
  readonly #take = (bytes: Buffer) => this.#add(bytes);
  readonly #goOn = () => this.#work();
  /** Read and not handed on yet. */
  #rest: Buffer | null = null;
  #isScheduled = false;
  #hasPaused = false;

  /** Comes between the socket and the one that listens to its data so far. */
  constructor(socket: Socket, options: PortionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#consumers = new Set(socket.listeners("data"));
    const removeListener = socket.removeListener.bind(socket);
    for (const consumer of this.#consumers) removeListener("data", consumer as Consumer);
    // A consumer that has enough, as after a close frame, takes itself off.
    socket.removeListener = (event: string, listener: (...values: never[]) => void) => {
      if (event === "data") this.#consumers.delete(listener);
      return removeListener(event, listener as Consumer);
    };
    socket.on("data", this.#take).on("resume", this.#goOn).on("drain", this.#goOn);
  }

  /** Leaves the socket to others; returns what was not handed on. */
  detach(): Buffer {
    this.#socket.removeListener("data", this.#take);
    this.#socket.off("resume", this.#goOn).off("drain", this.#goOn);
    const rest = this.#rest ?? Buffer.alloc(0);
    this.#rest = null;
    if (this.#hasPaused) this.#socket.resume();
    this.#hasPaused = false;
    return rest;
  }

  #add(bytes: Buffer): void {
    this.#rest = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#work();
  }

  #work(): void {
    // Nothing more is wanted from a connection that is being closed.
    if (this.#socket.destroyed || !this.#socket.writable) this.#rest = null;
    const isWaiting = this.#isScheduled || !this.#options.mayGoOn();
    if (this.#rest && !isWaiting) this.#handOn(this.#rest);
    if (this.#rest) this.#pause();
    else if (this.#hasPaused && this.#options.mayGoOn()) this.#resume();
  }

  #handOn(bytes: Buffer): void {
    const length = this.#options.cut(bytes);
    this.#rest = length < bytes.length ? bytes.subarray(length) : null;
    const portion = bytes.subarray(0, length);
    for (const consumer of this.#consumers) (consumer as Consumer).call(this.#socket, portion);
    if (this.#rest === null) return;
    this.#isScheduled = true;
    inALaterRound(() => {
      this.#isScheduled = false;
      this.#work();
    });
  }

  #pause(): void {
    this.#hasPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#hasPaused = false;
    this.#socket.resume();
  }
}
