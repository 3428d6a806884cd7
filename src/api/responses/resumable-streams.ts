/**
 * The streams of all connections, found again by the response's id. A stream that lost its client goes on for a grace period
 * and is cancelled then; one that has ended is kept as long, for a client that missed its end.
 */

import type { Clock } from "../../base/clock.js";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import { LiveStream, type StreamReader } from "./live-stream.js";
import type { Turn } from "./turn.js";

export interface ResumableStreamsOptions {
  /** 0: a stream ends with its connection. */
  readonly graceMs: number;
  /** The characters of events that are kept of each stream, and by which it may be ahead of a client that is gone. */
  readonly keepCharacters: number;
}

/** Streams without a client; of more than this the one that lost its client first goes. */
const maxUnattended = 32;
/** The limit for one key, or for all clients where keys are not needed: losing connections must not be a way to more slots. */
const maxUnattendedOfOwner = 16;

export class ResumableStreams {
  readonly #options: ResumableStreamsOptions;
  readonly #clock: Clock;
  readonly #streams = new Map<string, LiveStream>();
  /** Streams without a client, the oldest first, with the function that stops their time. */
  readonly #unattended = new Map<LiveStream, () => void>();

  constructor(options: ResumableStreamsOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Starts a turn. Throws what keeps it from being accepted. `controller` cancels it meanwhile and later. */
  async open(turn: Turn, controller: AbortController, onFailure: (error: HearthError) => void): Promise<LiveStream> {
    const events = turn.events(controller.signal, onFailure);
    const first = await events.next();
    if (first.done) throw new HearthError("INTERNAL", "The generation ended without an event.");
    const { keepCharacters } = this.#options;
    const stream = new LiveStream(
      { id: turn.response.id, owner: turn.owner, turn, controller },
      { keepCharacters, onLost: (lost) => this.#lose(lost), onEnded: (ended) => this.#expire(ended) },
    );
    this.#streams.set(stream.id, stream);
    void stream.run(first.value, events);
    return stream;
  }

  /** Undefined also for a stream of another owner. */
  find(id: string, owner: string): LiveStream | undefined {
    const stream = this.#streams.get(id);
    return stream?.owner === owner ? stream : undefined;
  }

  /** RESPONSE_NOT_FOUND. */
  get(id: string, owner: string): LiveStream {
    const stream = this.find(id, owner);
    if (stream) return stream;
    const message = `There is no stream of ${quoted(id)} to read on from.`;
    throw new HearthError("RESPONSE_NOT_FOUND", message, { param: "response_id" });
  }

  /** See LiveStream.read. A stream that had lost its client goes on to its end now. */
  read(stream: LiveStream, after: number): StreamReader {
    const reader = stream.read(after);
    if (!stream.ended) this.#stopTime(stream);
    return reader;
  }

  /** Ends the generation, and nobody finds the stream any more. */
  cancel(stream: LiveStream): void {
    this.#stopTime(stream);
    this.#streams.delete(stream.id);
    stream.cancel();
  }

  /** Nobody can come back any more. */
  stop(): void {
    for (const stream of this.#unattended.keys()) this.cancel(stream);
  }

  #lose(stream: LiveStream): void {
    if (this.#streams.get(stream.id) !== stream) return; // cancelled
    if (this.#options.graceMs === 0) this.cancel(stream);
    else this.#expire(stream);
  }

  /** From now on for the grace period. */
  #expire(stream: LiveStream): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#stopTime(stream);
    if (this.#options.graceMs === 0) {
      this.#streams.delete(stream.id);
      return;
    }
    const graceMs = stream.maxAwayMs ?? this.#options.graceMs;
    const stopTime = this.#clock.after(graceMs, () => this.#giveUp(stream));
    this.#unattended.set(stream, stopTime);
    const ofOwner = [...this.#unattended.keys()].filter(({ owner }) => owner === stream.owner);
    if (ofOwner.length > maxUnattendedOfOwner && ofOwner[0]) this.cancel(ofOwner[0]);
    const [oldest] = this.#unattended.keys();
    if (this.#unattended.size > maxUnattended && oldest) this.cancel(oldest);
  }

  /** A client that said how long it may be away finds what there was in the store. */
  #giveUp(stream: LiveStream): void {
    this.#stopTime(stream);
    if (stream.maxAwayMs === null || stream.ended) this.cancel(stream);
    else void stream.stop().then(() => this.cancel(stream));
  }

  #stopTime(stream: LiveStream): void {
    this.#unattended.get(stream)?.();
    this.#unattended.delete(stream);
  }
}
