/** The events of one answer as OpenAI's chunks, and at the end as a whole choice. It must not know sockets. */
import type { DrawnScore, FinishReason, GenerationEvent } from "../../service/types.js";
import { toChatLogprobs } from "./logprobs.js";

export interface ToolCallChunk {
  readonly index: number;
  readonly id?: string;
  readonly type?: "function";
  readonly function: { readonly name?: string; readonly arguments: string };
}

export interface ChatDelta {
  readonly role?: "assistant";
  readonly content?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCallChunk[];
}

export interface ChatChunk {
  readonly index: number;
  readonly delta: ChatDelta;
  readonly logprobs: ReturnType<typeof toChatLogprobs> | null;
  readonly finish_reason: "stop" | "length" | "tool_calls" | null;
}

interface Call {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

export class ChoiceWriter {
  readonly #index: number;
  readonly #calls: Call[] = [];
  readonly #scores: DrawnScore[] = [];
  #unsentScores: DrawnScore[] = [];
  #content = "";
  #reasoning = "";
  #finish: ChatChunk["finish_reason"] = null;
  #brokeOff = false; // within a call
  readonly #wantsScores: boolean;

  constructor(index: number, options: { logprobs: boolean }) {
    this.#index = index;
    this.#wantsScores = options.logprobs;
  }

  /** The chunks that the event adds to the stream. */
  take(event: GenerationEvent): ChatChunk[] {
    switch (event.type) {
      case "queued":
      case "prompt":
        return [];
      case "callEnd":
        this.#brokeOff ||= !event.complete;
        return [];
      case "token":
        if (event.score) {
          this.#scores.push(event.score);
          this.#unsentScores.push(event.score);
        }
        return [];
      case "started":
        return [this.#chunk({ role: "assistant", content: "" })];
      case "text":
        this.#content += event.text;
        return event.text === "" ? [] : [this.#chunk({ content: event.text })];
      case "reasoning":
        this.#reasoning += event.text;
        return event.text === "" ? [] : [this.#chunk({ reasoning_content: event.text })];
      case "call":
        this.#calls.push({ id: event.id, name: event.name, arguments: "" });
        return [this.#callChunk({ id: event.id, type: "function", function: { name: event.name, arguments: "" } })];
      case "arguments":
        return this.#arguments(event.text);
      case "done":
        return [this.#end(event.reason)];
    }
  }

  /** The whole choice. */
  get choice() {
    const calls = this.#calls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: text },
    }));
    return {
      index: this.#index,
      message: {
        role: "assistant" as const,
        content: calls.length > 0 && this.#content === "" ? null : this.#content,
        refusal: null,
        annotations: [],
        ...(this.#reasoning !== "" && { reasoning_content: this.#reasoning }),
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: this.#wantsScores ? toChatLogprobs(this.#scores) : null,
      finish_reason: this.#finish ?? "stop",
    };
  }

  #arguments(text: string): ChatChunk[] {
    const call = this.#calls.at(-1);
    if (!call || text === "") return [];
    call.arguments += text;
    return [this.#callChunk({ function: { arguments: text } })];
  }

  #callChunk(call: Omit<ToolCallChunk, "index">): ChatChunk {
    return this.#chunk({ tool_calls: [{ index: this.#calls.length - 1, ...call }] });
  }

  #end(reason: FinishReason): ChatChunk {
    const isCut = reason === "length" || this.#brokeOff;
    this.#finish = isCut ? "length" : this.#calls.length > 0 ? "tool_calls" : "stop";
    return { ...this.#chunk({}), finish_reason: this.#finish };
  }

  #chunk(delta: ChatDelta): ChatChunk {
    const scores = this.#unsentScores;
    this.#unsentScores = [];
    const logprobs = this.#wantsScores && scores.length > 0 ? toChatLogprobs(scores) : null;
    return { index: this.#index, delta, logprobs, finish_reason: null };
  }
}
