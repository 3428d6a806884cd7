/**
 * One response while it is made, apart from the connection that asked for it. One reader has its events at a time; when its
 * connection is lost, the response goes on and another one can read on from any event that is kept. It must not know sockets.
 */
import { deferred } from "../../base/async.js";
import { AsyncQueue } from "../../base/async-queue.js";
import { HearthError } from "../../base/errors.js";
import { EventLog, type WireEvent } from "./event-log.js";
import type { InputItem } from "./input-items.js";
import type { ResponseResource } from "./resource.js";
import type { StoredResponse } from "./store.js";
import type { Turn } from "./turn.js";
import type { ResponseEvent } from "./writer.js";

/** How far a response may run ahead of a reader that is there: enough that neither waits for the other's turn. */
const aheadEvents = 32;

/** Events in their order. Leaving the loop before the last one loses the stream, it does not cancel it. */
export type StreamReader = AsyncQueue<WireEvent>;

export interface StreamHandlers {
  /** The reader went before the last event. */
  onLost(stream: LiveStream): void;
  /** The last event is in the log. */
  onEnded(stream: LiveStream): void;
}

export class LiveStream {
  readonly id: string;
  readonly owner: string;
  readonly #turn: Turn;
  readonly #controller: AbortController;
  readonly #handlers: StreamHandlers;
  readonly #keepCharacters: number;
  readonly #log: EventLog;
  #reader: StreamReader | null = null;
  #ended = false;
  readonly #done = deferred<void>();
  #wakePump: (() => void) | null = null;

  constructor(
    { id, owner, turn, controller }: { id: string; owner: string; turn: Turn; controller: AbortController },
    { keepCharacters, ...handlers }: StreamHandlers & { readonly keepCharacters: number },
  ) {
    this.id = id;
    this.owner = owner;
    this.#turn = turn;
    this.#controller = controller;
    this.#handlers = handlers;
    this.#keepCharacters = keepCharacters;
    this.#log = new EventLog(keepCharacters);
  }

  /** The last event is in the log. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The response in its present state. */
  get response(): ResponseResource {
    return this.#turn.response;
  }

  /** How long the response may go on without its client; null: as long as the configuration says. */
  get maxAwayMs(): number | null {
    return this.#turn.maxAwayMs;
  }

  /** The items of the request's input. */
  get inputItems(): readonly InputItem[] {
    return this.#turn.inputItems;
  }

  /** The conversation for a later request to continue; null before the response is done, and when it failed. */
  get stored(): StoredResponse | null {
    return this.#turn.stored;
  }

  /** Takes the events as they are made. Never rejects. */
  async run(first: ResponseEvent, rest: AsyncGenerator<ResponseEvent>): Promise<void> {
    this.#push(first);
    for await (const event of rest) {
      this.#push(event);
      // In a loop: another reader may have come meanwhile, that is further behind.
      while (this.#isFull()) await new Promise<void>((resolve) => (this.#wakePump = resolve));
    }
    this.#ended = true;
    this.#reader?.end();
    this.#handlers.onEnded(this);
    this.#done.resolve();
  }

  /**
   * The events after number `after`; -1 is before the first. The reader before this one gets no more: the newest connection
   * has the stream. STREAM_EVENTS_GONE, and REQUEST_INVALID for a number that was never sent.
   */
  read(after: number): StreamReader {
    if (after >= this.#log.end) {
      const message = `starting_after is ${after}, and the newest event has the number ${this.#log.end - 1}.`;
      throw new HearthError("REQUEST_INVALID", message, { param: "starting_after" });
    }
    if (after + 1 < this.#log.start) {
      const message = `The events of ${this.id} before number ${this.#log.start} are not kept any more.`;
      throw new HearthError("STREAM_EVENTS_GONE", message, { param: "starting_after" });
    }
    const before = this.#reader;
    let number = after + 1;
    const reader: StreamReader = new AsyncQueue<WireEvent>({
      onTaken: () => this.#taken(number++),
      onLeft: () => this.#leave(reader),
    });
    for (const event of this.#log.from(number)) reader.push(event);
    if (this.#ended) reader.end();
    this.#reader = reader;
    before?.close();
    return reader;
  }

  /** Ends the response as one that was cancelled, with its last event. Resolves when that is in the log. */
  async stop(): Promise<void> {
    if (!this.#ended) {
      this.#turn.cancel();
      this.cancel();
    }
    await this.#done.promise;
  }

  /** Ends the generation. */
  cancel(): void {
    this.#controller.abort();
    this.#wake();
  }

  #push(event: ResponseEvent): void {
    const sent = this.#log.push(event);
    this.#reader?.push(sent);
  }

  #taken(number: number): void {
    this.#log.taken(number);
    this.#wake();
  }

  #isFull(): boolean {
    if (this.#controller.signal.aborted) return false;
    if (this.#reader) return this.#log.untaken > aheadEvents;
    if (this.#turn.outlivesClient) {
      this.#log.passOver(this.#keepCharacters);
      return false;
    }
    return this.#log.untakenCharacters > this.#keepCharacters;
  }

  #leave(reader: StreamReader): void {
    if (this.#reader !== reader) return; // another one has taken over
    this.#reader = null;
    this.#wake();
    this.#handlers.onLost(this);
  }

  #wake(): void {
    this.#wakePump?.();
    this.#wakePump = null;
  }
}
