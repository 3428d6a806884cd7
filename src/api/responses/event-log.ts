/**
 * The wire events of one response, numbered from 0, each as the JSON that goes over the wire. Keeps what no reader has taken,
 * and of what was taken the newest within a size: a connection that breaks loses what was on its way. It must not know sockets.
 */
import type { ResponseEvent } from "./writer.js";

export interface WireEvent {
  readonly type: string;
  readonly json: string;
}

export class EventLog {
  readonly #keepCharacters: number;
  readonly #events: WireEvent[] = [];
  /** The number of the first event that is kept. */
  #start = 0;
  #taken = 0;
  #takenCharacters = 0;
  #untakenCharacters = 0;

  constructor(keepCharacters: number) {
    this.#keepCharacters = keepCharacters;
  }

  /** The number of the next event that comes in. */
  get end(): number {
    return this.#start + this.#events.length;
  }

  get start(): number {
    return this.#start;
  }

  /** Events that no reader has taken yet. */
  get untaken(): number {
    return this.end - this.#taken;
  }

  /** The characters of JSON of the events that the client has not taken yet. */
  get untakenCharacters(): number {
    return this.#untakenCharacters;
  }

  push(event: ResponseEvent): WireEvent {
    const sent = { type: event.type, json: JSON.stringify(event) };
    this.#events.push(sent);
    this.#untakenCharacters += sent.json.length;
    return sent;
  }

  /** The events from this number on, which is no smaller than `start`. */
  from(number: number): readonly WireEvent[] {
    return this.#events.slice(number - this.#start);
  }

  /** A reader has taken the event of this number. */
  taken(number: number): void {
    const event = this.#events[number - this.#start];
    if (!event || number < this.#taken) return;
    this.#taken = number + 1;
    this.#untakenCharacters -= event.json.length;
    this.#takenCharacters += event.json.length;
    this.#forget();
  }

  /** Counts the oldest events as taken until no more than so many characters wait: nobody is there to take them. */
  passOver(characters: number): void {
    while (this.#untakenCharacters > characters) this.taken(this.#taken);
  }

  #forget(): void {
    while (this.#takenCharacters > this.#keepCharacters) {
      this.#takenCharacters -= this.#events.shift()?.json.length ?? 0;
      this.#start++;
    }
  }
}
