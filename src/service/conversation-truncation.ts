/**
 * Shortens a conversation that is too long for the context by leaving parts of it out: the results of older calls first, which are
 * most of a smart home's conversation and are out of date, then the oldest turns, or only their calls, then results of the newest
 * turn that the model has seen already. System messages and all else of the newest turn stay.
 * Knows nothing of tokens: whoever builds the prompt says what fits.
 */
import type { LeftOut, Message } from "./types.js";

/** The way to shorten a conversation that is too long. */
export type Overflow = "leave_out_results" | "leave_out_turns" | "error";

/** Stands where a result was, since calls without results confuse templates and models. */
const oldResult = "(left out: too old)";

export interface Shortened {
  readonly messages: readonly Message[];
  readonly leftOut: LeftOut;
}

export class TruncatableConversation {
  /** More can be left out than 0 to so many times. */
  readonly steps: number;
  readonly #head: readonly Message[];
  readonly #turns: readonly (readonly Message[])[];
  readonly #wholeTurns: boolean;
  /** Results of older turns, older turns or their calls, results of the newest turn but the last ones: so many may go, in this order. */
  readonly #most: readonly [results: number, turns: number, recent: number];

  constructor(messages: readonly Message[], overflow: Exclude<Overflow, "error"> = "leave_out_turns") {
    const { head, turns } = splitTurns(messages);
    this.#head = head;
    this.#turns = turns;
    const results = turns.slice(0, -1).flat().filter(isLongResult).length;
    this.#wholeTurns = overflow === "leave_out_turns";
    const older = this.#wholeTurns ? Math.max(turns.length - 1, 0) : turns.slice(0, -1).filter(hasCalls).length;
    const recent = beforeLastCalls(turns.at(-1) ?? []).filter(isLongResult).length;
    this.#most = [results, older, recent];
    this.steps = results + older + recent;
  }

  /** After `step` of `steps`, each of which leaves out one thing more. */
  at(step: number): Shortened {
    const [results, turns, recent] = this.#split(step);
    const newest = this.#turns.at(-1) ?? [];
    const older = this.#turns.slice(0, -1);
    const begin = this.#wholeTurns ? turns : 0;
    const gone = older.slice(0, begin).flat();
    const rest = withoutResults(older.flat(), results).slice(gone.length);
    const called = this.#wholeTurns ? rest : withoutCalls(rest, turns);
    const kept = [...called, ...withoutResults(newest, recent)];
    const given = this.#turns.flat().filter(isResult).length - gone.filter(isResult).length;
    const whole = kept.filter((message) => isResult(message) && message.content !== oldResult).length;
    return { messages: [...this.#head, ...kept], leftOut: { turns: begin, toolResults: given - whole, tokens: 0 } };
  }

  /**
   * The next step from `step` on that requests stop at. Few do: so the next request of the conversation mostly leaves out
   * the same parts, and finds its prefix in the KV cache.
   */
  roundUp(step: number): number {
    const parts = this.#split(step);
    const most = this.#most;
    const last = parts[2] > 0 ? 2 : parts[1] > 0 ? 1 : 0;
    return parts
      .map((part, i) => (i === last ? Math.min(roundUp(part, most[i] ?? 0), most[i] ?? 0) : part))
      .reduce((sum, part) => sum + part);
  }

  #split(step: number): [results: number, turns: number, recent: number] {
    const [mostResults, mostTurns] = this.#most;
    const results = Math.min(step, mostResults);
    const turns = Math.min(step - results, mostTurns);
    return [results, turns, step - results - turns];
  }
}

/** The first `count` long results give way. */
function withoutResults(messages: readonly Message[], count: number): Message[] {
  let left = count;
  return messages.map((message) => {
    if (left === 0 || !isLongResult(message)) return message;
    left--;
    return { ...message, content: oldResult };
  });
}

/** The first `count` turns that have calls keep only what was said. */
function withoutCalls(messages: readonly Message[], count: number): Message[] {
  const { turns } = splitTurns(messages);
  let left = count;
  return turns.flatMap((turn) => {
    if (left === 0 || !hasCalls(turn)) return turn;
    left--;
    return turn
      .filter((message) => !isResult(message) && (message.content !== "" || !message.toolCalls))
      .map(({ toolCalls: _, ...said }) => said);
  });
}

const hasCalls = (turn: readonly Message[]): boolean => turn.some(isResult);
const isResult = ({ role }: Message): boolean => role === "tool";

/** The turn's messages before the calls whose results the model has not seen yet. */
function beforeLastCalls(turn: readonly Message[]): readonly Message[] {
  const last = turn.findLastIndex(({ role }) => role !== "tool");
  return turn.slice(0, last + 1);
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
