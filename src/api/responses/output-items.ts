/** The items of a response while they are made: each opens, grows and closes with its own wire events. */
import {
  type FunctionCallItem,
  type ItemStatus,
  newId,
  type OutputMessage,
  type OutputText,
  type ReasoningItem,
} from "./resource.js";

/** A wire event before it has its number. */
export interface EventBody {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface OpenItem {
  open(): EventBody[];
  close(status: ItemStatus): EventBody[];
  /** The item in its present state. */
  item(status: ItemStatus): OutputMessage | ReasoningItem | FunctionCallItem;
}

/** Every message and every reasoning item has one part. */
const contentIndex = 0;

export class OpenMessage implements OpenItem {
  readonly #id = newId("msg");
  readonly #index: number;
  readonly #withTokens: boolean;
  readonly #tokens: number[] = [];
  #text = "";

  constructor(index: number, withTokens: boolean) {
    this.#index = index;
    this.#withTokens = withTokens;
  }

  open(): EventBody[] {
    const part: OutputText = { type: "output_text", text: "", annotations: [], logprobs: [] };
    return [
      {
        type: "response.output_item.added",
        output_index: this.#index,
        item: { ...this.item("in_progress"), content: [] },
      },
      { type: "response.content_part.added", ...this.#place(), part },
    ];
  }

  delta(delta: string, tokens: readonly number[]): EventBody[] {
    this.#text += delta;
    this.#tokens.push(...tokens);
    if (delta === "" && !this.#withTokens) return [];
    const ids = this.#withTokens ? { "hearth:token_ids": tokens } : {};
    return [{ type: "response.output_text.delta", ...this.#place(), delta, logprobs: [], ...ids }];
  }

  close(status: ItemStatus): EventBody[] {
    const item = this.item(status);
    return [
      { type: "response.output_text.done", ...this.#place(), text: this.#text, logprobs: [] },
      { type: "response.content_part.done", ...this.#place(), part: item.content[contentIndex] },
      { type: "response.output_item.done", output_index: this.#index, item },
    ];
  }

  item(status: ItemStatus): OutputMessage {
    const ids = this.#withTokens ? { "hearth:token_ids": this.#tokens } : {};
    const part: OutputText = { type: "output_text", text: this.#text, annotations: [], logprobs: [], ...ids };
    return { id: this.#id, type: "message", status, role: "assistant", content: [part] };
  }

  #place() {
    return { item_id: this.#id, output_index: this.#index, content_index: contentIndex };
  }
}

export class OpenReasoning implements OpenItem {
  readonly #id = newId("rs");
  readonly #index: number;
  #text = "";

  constructor(index: number) {
    this.#index = index;
  }

  open(): EventBody[] {
    return [
      {
        type: "response.output_item.added",
        output_index: this.#index,
        item: { ...this.item("in_progress"), content: [] },
      },
      { type: "response.content_part.added", ...this.#place(), part: { type: "reasoning_text", text: "" } },
    ];
  }

  delta(delta: string): EventBody[] {
    this.#text += delta;
    return [{ type: "response.reasoning_text.delta", ...this.#place(), delta }];
  }

  close(status: ItemStatus): EventBody[] {
    const item = this.item(status);
    return [
      { type: "response.reasoning_text.done", ...this.#place(), text: this.#text },
      { type: "response.content_part.done", ...this.#place(), part: item.content[contentIndex] },
      { type: "response.output_item.done", output_index: this.#index, item },
    ];
  }

  item(status: ItemStatus): ReasoningItem {
    const content = [{ type: "reasoning_text" as const, text: this.#text }];
    return { id: this.#id, type: "reasoning", status, summary: [], content };
  }

  #place() {
    return { item_id: this.#id, output_index: this.#index, content_index: contentIndex };
  }
}

export class OpenCall implements OpenItem {
  readonly #id = newId("fc");
  readonly #index: number;
  readonly #call: { readonly id: string; readonly name: string };
  #arguments = "";

  constructor(index: number, call: { readonly id: string; readonly name: string }) {
    this.#index = index;
    this.#call = call;
  }

  open(): EventBody[] {
    return [{ type: "response.output_item.added", output_index: this.#index, item: this.item("in_progress") }];
  }

  delta(delta: string): EventBody[] {
    this.#arguments += delta;
    return [{ type: "response.function_call_arguments.delta", ...this.#place(), delta }];
  }

  /** Arguments that were cut are not done: clients read them as JSON then. */
  close(status: ItemStatus): EventBody[] {
    const { name } = this.#call;
    const done = { type: "response.function_call_arguments.done", ...this.#place(), name, arguments: this.#arguments };
    const closed = { type: "response.output_item.done", output_index: this.#index, item: this.item(status) };
    return status === "completed" ? [done, closed] : [closed];
  }

  item(status: ItemStatus): FunctionCallItem {
    const { id, name } = this.#call;
    return { id: this.#id, type: "function_call", status, call_id: id, name, arguments: this.#arguments };
  }

  #place() {
    return { item_id: this.#id, output_index: this.#index };
  }
}
