/** AsyncQueue carries items from whoever makes them to one reader, who takes them in a loop. It knows nothing of what they are. */

export interface QueueHandlers {
  /** The reader took an item. */
  readonly onTaken?: () => void;
  /** The reader left its loop before the last item. */
  readonly onLeft?: () => void;
}

export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #handlers: QueueHandlers;
  #items: T[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(handlers: QueueHandlers = {}) {
    this.#handlers = handlers;
  }

  /** Items that nobody has taken yet. */
  get length(): number {
    return this.#items.length;
  }

  /** The newest item that nobody has taken yet. */
  get newest(): T | undefined {
    return this.#items.at(-1);
  }

  /** Items that come after the end are dropped. */
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#notify();
  }

  /** Puts an item in the place of the newest one that nobody has taken yet. */
  replaceNewest(item: T): void {
    if (this.#ended) return;
    this.#items.splice(-1, 1, item);
    this.#notify();
  }

  /** No item follows; the reader gets those that are there. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The reader gets the items that are there, then `error`. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }

  /** The reader gets no more, although items may be left. */
  close(): void {
    this.#items = [];
    this.#error = null;
    this.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      this.#handlers.onTaken?.();
      return { done: false, value };
    }
    if (this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const isLeft = !this.#ended || this.#items.length > 0;
    this.close();
    if (isLeft) this.#handlers.onLeft?.();
    return { done: true, value: undefined };
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
