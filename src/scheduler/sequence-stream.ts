/** The events of one sequence on their way to one reader. Leaving the loop early, or `signal`, cancels the sequence. */
import type { SequenceEvent } from "./types.js";

export class SequenceStream implements AsyncIterableIterator<SequenceEvent> {
  readonly #onCancel: () => void;
  readonly #onRead: () => void;
  #events: SequenceEvent[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(handlers: { onCancel: () => void; onRead: () => void }) {
    this.#onCancel = handlers.onCancel;
    this.#onRead = handlers.onRead;
  }

  /** Events that nobody has taken yet. */
  get unread(): number {
    return this.#events.length;
  }

  /** Progress that nobody has taken yet is replaced by newer progress of its kind. */
  push(event: SequenceEvent): void {
    if (this.#ended) return;
    const last = this.#events.at(-1);
    if (last?.type === event.type && event.type !== "token") this.#events.pop();
    this.#events.push(event);
    if (event.type === "end") this.#ended = true;
    this.#notify();
  }

  /** The reader gets what was pushed before, then `error`. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#notify();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SequenceEvent, undefined>> {
    while (this.#events.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const event = this.#events.shift();
    if (event) {
      this.#onRead();
      return { done: false, value: event };
    }
    if (this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<SequenceEvent, undefined>> {
    this.#events = [];
    this.#error = null;
    if (!this.#ended) {
      this.#ended = true;
      this.#onCancel();
    }
    this.#notify();
    return { done: true, value: undefined };
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
