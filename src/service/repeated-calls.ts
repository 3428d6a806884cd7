/**
 * Finds a model that makes the same calls over and over, as small ones do: within an answer until a limit comes, or answer after
 * answer although it has the result. Clients give such a turn up after some rounds, and meanwhile every call does its work again.
 */
import type { AnswerEvent } from "../chat/answers/events.js";
import type { Message } from "./types.js";

/** Counts the same calls that an answer makes in a row. */
export class SameCalls {
  #name = "";
  #arguments = "";
  #last = "";
  #count = 0;

  /** Takes the next event of the answer, and returns how many calls in a row were the same when it ends one; else 0. */
  take(event: AnswerEvent): number {
    if (event.type === "call") {
      this.#name = event.name;
      this.#arguments = "";
    }
    if (event.type === "arguments") this.#arguments += event.text;
    if (event.type !== "callEnd") return 0;
    const call = JSON.stringify([this.#name, canonical(this.#arguments)]);
    this.#count = call === this.#last ? this.#count + 1 : 1;
    this.#last = call;
    return this.#count;
  }
}

/**
 * Whether the newest turn ends with `times` rounds of the same calls with the same results and nothing else between them; never
 * for 0. A result that differs is progress, as with a model that waits for something.
 */
export function repeatsCalls(messages: readonly Message[], times: number): boolean {
  if (times === 0) return false;
  const [last, ...before] = roundsFromEnd(messages, times);
  return last !== undefined && before.length === times - 1 && before.every((round) => round === last);
}

/** At most so many rounds at the end, the newest first, as texts that are equal where the rounds are. */
function roundsFromEnd(messages: readonly Message[], most: number): string[] {
  const rounds: string[] = [];
  let at = messages.length;
  while (rounds.length < most) {
    const end = at;
    while (messages[at - 1]?.role === "tool") at--;
    const results = messages.slice(at, end).map(({ content }) => content);
    const called = at;
    // Calls that were made together stand in one message or in several.
    while ((messages[at - 1]?.toolCalls?.length ?? 0) > 0) at--;
    const calls = messages.slice(at, called).flatMap(({ toolCalls = [] }) => toolCalls);
    if (results.length === 0 || calls.length === 0) break;
    rounds.push(JSON.stringify([calls.map(({ name, arguments: json }) => [name, canonical(json)]), results]));
  }
  return rounds;
}

/** Without what depends on how it was written. */
function canonical(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), (_, value) => (isObject(value) ? sorted(value) : value));
  } catch {
    return json;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(object: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
