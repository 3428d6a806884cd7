/** The events of one answer as Ollama's chunks, and at the end as one object. It must not know sockets. */
import type { Clock } from "../../base/clock.js";
import { Stopwatch, type Timings } from "../../service/timings.js";
import type { DrawnScore, FinishReason, GenerationEvent, TokenScore } from "../../service/types.js";

interface Part {
  readonly content?: string;
  readonly thinking?: string;
  readonly toolCall?: {
    readonly id: string;
    readonly index: number;
    readonly name: string;
    readonly arguments: object;
  };
}

/** How chat and generate carry the parts of an answer. */
export type Form = (parts: readonly Part[]) => object;

const decoder = new TextDecoder();
const describe = ({ bytes, logprob }: TokenScore) => ({ token: decoder.decode(bytes), logprob, bytes: [...bytes] });

export class AnswerWriter {
  readonly #model: string;
  readonly #form: Form;
  readonly #clock: Clock;
  readonly #stopwatch: Stopwatch;
  readonly #parts: Part[] = [];
  readonly #allScores: DrawnScore[] = [];
  #unsentScores: DrawnScore[] = [];
  #call: { readonly id: string; readonly name: string; arguments: string } | null = null;
  #calls = 0;
  #reason: FinishReason = "stop";

  constructor(model: string, form: Form, clock: Clock) {
    this.#model = model;
    this.#form = form;
    this.#clock = clock;
    this.#stopwatch = new Stopwatch(clock);
  }

  /** The lines that the event adds to the stream; the last one has `done`. */
  take(event: GenerationEvent): object[] {
    this.#stopwatch.take(event);
    switch (event.type) {
      case "queued":
      case "prompt":
      case "started":
        return [];
      case "token":
        if (event.score) {
          this.#unsentScores.push(event.score);
          this.#allScores.push(event.score);
        }
        return [];
      case "text":
        return event.text === "" ? [] : [this.#chunk({ content: event.text })];
      case "reasoning":
        return event.text === "" ? [] : [this.#chunk({ thinking: event.text })];
      case "call":
        this.#call = { id: event.id, name: event.name, arguments: "" };
        return [];
      case "arguments":
        if (this.#call) this.#call.arguments += event.text;
        return [];
      case "callEnd":
        return this.#endCall(event.complete);
      case "done":
        this.#reason = event.reason;
        return [{ ...this.#head(), ...this.#form([]), ...logprobs(this.#unsentScores), ...this.#lastWords() }];
    }
  }

  /** A chunk that adds nothing: while a long prompt is read, or a call is written, which is sent whole, it says that there will be more. */
  get nothing(): object {
    return { ...this.#head(), ...this.#form([]), done: false };
  }

  /** The whole answer. */
  get whole(): object {
    return { ...this.#head(), ...this.#form(this.#parts), ...logprobs(this.#allScores), ...this.#lastWords() };
  }

  /** A call comes whole, in a chunk of its own. One that broke off is no call: the answer was cut. */
  #endCall(complete: boolean): object[] {
    const call = this.#call;
    this.#call = null;
    if (!call || !complete) return [];
    const { id, name } = call;
    return [
      this.#chunk({ toolCall: { id, index: this.#calls++, name, arguments: JSON.parse(call.arguments || "{}") } }),
    ];
  }

  #chunk(part: Part): object {
    this.#parts.push(part);
    const scores = this.#unsentScores;
    this.#unsentScores = [];
    return { ...this.#head(), ...this.#form([part]), ...logprobs(scores), done: false };
  }

  #head(): object {
    return { model: this.#model, created_at: new Date(this.#clock.wallTime()).toISOString() };
  }

  #lastWords(): object {
    const { timings } = this.#stopwatch;
    return { done: true, done_reason: this.#reason, ...(timings && toDurations(timings)) };
  }
}

function logprobs(scores: readonly DrawnScore[]): object {
  if (scores.length === 0) return {};
  return { logprobs: scores.map(({ token, top }) => ({ ...describe(token), top_logprobs: top.map(describe) })) };
}

export const nanoseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6);

function toDurations({ usage, waitMs, promptMs, generateMs }: Timings) {
  return {
    total_duration: nanoseconds(waitMs + promptMs + generateMs),
    load_duration: nanoseconds(waitMs),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(promptMs),
    eval_count: usage.generatedTokens,
    eval_duration: nanoseconds(generateMs),
  };
}

const joined = (parts: readonly Part[], of: (part: Part) => string | undefined): string =>
  parts.map((part) => of(part) ?? "").join("");

export const chatForm: Form = (parts) => {
  const thinking = joined(parts, (part) => part.thinking);
  const calls = parts.flatMap(({ toolCall }) => {
    if (!toolCall) return [];
    const { id, ...called } = toolCall;
    return [{ id, function: called }];
  });
  return {
    message: {
      role: "assistant",
      content: joined(parts, (part) => part.content),
      ...(thinking !== "" && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  };
};

export const generateForm: Form = (parts) => {
  const thinking = joined(parts, (part) => part.thinking);
  return { response: joined(parts, (part) => part.content), ...(thinking !== "" && { thinking }) };
};
