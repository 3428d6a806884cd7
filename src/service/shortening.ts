/**
 * Which parts of a conversation to leave out when it is too long: the results of older calls first, which are most of a
 * smart home's conversation and are out of date, then the oldest turns. System messages and the newest turn stay.
 * Knows nothing of tokens: whoever builds the prompt says what fits.
 */
import type { LeftOut, Message } from "./types.js";

/** What becomes of the results of older turns in a conversation that is too long. */
export type OldResults = "leave_out" | "keep";

/** Stands where a result was, since calls without results confuse templates and models. */
const oldResult = "(left out: too old)";

export interface Shortened {
  readonly messages: readonly Message[];
  readonly leftOut: LeftOut;
}

export class Conversation {
  /** More can be left out than 0 to so many times. */
  readonly steps: number;
  /** Of them, those that leave out a result; the first ones. */
  readonly results: number;
  readonly #head: readonly Message[];
  readonly #turns: readonly (readonly Message[])[];

  constructor(messages: readonly Message[]) {
    const { head, turns } = splitTurns(messages);
    this.#head = head;
    this.#turns = turns;
    this.results = turns.slice(0, -1).flat().filter(isLongResult).length;
    this.steps = this.results + Math.max(turns.length - 1, 0);
  }

  /** After `step` of `steps`, each of which leaves out one thing more. */
  at(step: number): Shortened {
    const results = Math.min(step, this.results);
    const turns = step - results;
    let left = results;
    const shorten = (message: Message): Message => {
      if (left === 0 || !isLongResult(message)) return message;
      left--;
      return { ...message, content: oldResult };
    };
    const newest = this.#turns.length - 1;
    const all = this.#turns.map((turn, i) => (i < newest ? turn.map(shorten) : turn));
    const kept = all.slice(turns).flat();
    const toolResults = kept.filter(({ content }) => content === oldResult).length;
    return { messages: [...this.#head, ...kept], leftOut: { turns, toolResults, tokens: 0 } };
  }

  /**
   * The next step from `step` on that requests stop at. Few do: so the next request of the conversation mostly leaves out
   * the same parts, and finds its prefix in the KV cache.
   */
  roundUp(step: number): number {
    const results = this.results;
    const turns = this.#turns.length;
    if (step <= results) return Math.min(roundUp(step, results), results);
    return Math.min(results + roundUp(step - results, turns), this.steps);
  }
}

/** To a whole number of pieces that become smaller as fewer of `total` are left. */
function roundUp(count: number, total: number): number {
  const piece = 2 ** Math.floor(Math.log2(Math.max(1, (total - count) / 4)));
  return Math.ceil(count / piece) * piece;
}

const isLongResult = ({ role, content }: Message): boolean => role === "tool" && content.length > oldResult.length;

/** The system messages that begin a conversation, and its turns: each begins with what the user says. */
function splitTurns(messages: readonly Message[]): {
  head: readonly Message[];
  turns: readonly (readonly Message[])[];
} {
  const isHead = ({ role }: Message) => role === "system" || role === "developer";
  const begin = messages.findIndex((message) => !isHead(message));
  const turns: Message[][] = [];
  for (const message of begin < 0 ? [] : messages.slice(begin)) {
    if (message.role === "user" || turns.length === 0) turns.push([]);
    turns.at(-1)?.push(message);
  }
  return { head: begin < 0 ? messages : messages.slice(0, begin), turns };
}
