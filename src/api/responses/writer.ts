/**
 * Turns the events of one generation into the wire events of the Responses API, in their order and with their numbers. Both
 * transports send what it returns. Pure but for the ids; it must not know sockets.
 */
import type { HearthError } from "../../base/errors.js";
import { wireError } from "../../net/errors.js";
import type { FinishReason, GenerationEvent, Usage } from "../../service/types.js";
import {
  type describeRequest,
  newId,
  type OutputMessage,
  type OutputText,
  type ResponseResource,
  type ResponseState,
  toUsage,
} from "./resource.js";

/** A wire event: `type`, `sequence_number` and what the type brings. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly [field: string]: unknown;
}

export interface WriterOptions {
  readonly tokenIds: boolean;
  readonly progress: boolean;
  /** A warm-up has no output item. */
  readonly generate: boolean;
  /** Seconds since 1970. */
  readonly now: () => number;
}

const outputIndex = 0;
const contentIndex = 0;

export class ResponseWriter {
  readonly #echo: ReturnType<typeof describeRequest>;
  readonly #options: WriterOptions;
  readonly #itemId = newId("msg");
  readonly #tokenIds: number[] = [];
  #state: ResponseState = {
    status: "in_progress",
    completed_at: null,
    output: [],
    usage: null,
    incomplete_details: null,
    error: null,
  };
  #text = "";
  #itemOpen = false;
  #nextNumber = 0;

  constructor(echo: ReturnType<typeof describeRequest>, options: WriterOptions) {
    this.#echo = echo;
    this.#options = options;
  }

  /** The Response as it stands. */
  get response(): ResponseResource {
    return { ...this.#echo, ...this.#state };
  }

  /** What was generated so far. */
  get text(): string {
    return this.#text;
  }

  start(): ResponseEvent[] {
    return [
      this.#event("response.created", { response: this.response }),
      this.#event("response.in_progress", { response: this.response }),
    ];
  }

  take(event: GenerationEvent): ResponseEvent[] {
    switch (event.type) {
      case "queued":
        return this.#progress("hearth:queued", { position: event.position });
      case "prompt":
        return this.#progress("hearth:prompt_progress", {
          read_tokens: event.read,
          cached_tokens: event.cached,
          total_tokens: event.total,
        });
      case "started":
        return this.#openItem();
      case "delta":
        return this.#delta(event.text, event.tokens);
      case "done":
        return this.#finish(event.reason, event.usage);
    }
  }

  /** The end of a response that broke off after it had started. */
  fail(error: HearthError): ResponseEvent[] {
    const { code, message } = wireError(error);
    this.#state = {
      ...this.#state,
      status: "failed",
      output: this.#itemOpen ? [this.#item("incomplete")] : [],
      error: { code, message },
    };
    return [this.#event("response.failed", { response: this.response })];
  }

  #openItem(): ResponseEvent[] {
    if (this.#itemOpen) return [];
    this.#itemOpen = true;
    const item: OutputMessage = { ...this.#item("in_progress"), content: [] };
    const part: OutputText = { type: "output_text", text: "", annotations: [], logprobs: [] };
    return [
      this.#event("response.output_item.added", { output_index: outputIndex, item }),
      this.#event("response.content_part.added", { ...this.#place(), part }),
    ];
  }

  #delta(delta: string, tokens: readonly number[]): ResponseEvent[] {
    this.#text += delta;
    this.#tokenIds.push(...tokens);
    if (delta === "" && !this.#options.tokenIds) return [];
    const ids = this.#options.tokenIds ? { "hearth:token_ids": tokens } : {};
    return [
      ...this.#openItem(),
      this.#event("response.output_text.delta", { ...this.#place(), delta, logprobs: [], ...ids }),
    ];
  }

  #finish(reason: FinishReason, usage: Usage): ResponseEvent[] {
    const events = this.#options.generate ? this.#openItem() : [];
    const status = reason === "length" ? "incomplete" : "completed";
    const item = this.#item(status);
    if (this.#options.generate) {
      const [part] = item.content;
      events.push(
        this.#event("response.output_text.done", { ...this.#place(), text: this.#text, logprobs: [] }),
        this.#event("response.content_part.done", { ...this.#place(), part }),
        this.#event("response.output_item.done", { output_index: outputIndex, item }),
      );
    }
    this.#state = {
      ...this.#state,
      status,
      completed_at: status === "completed" ? this.#options.now() : null,
      output: this.#options.generate ? [item] : [],
      usage: toUsage(usage),
      incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    };
    return [...events, this.#event(`response.${status}`, { response: this.response })];
  }

  #item(status: OutputMessage["status"]): OutputMessage {
    const ids = this.#options.tokenIds ? { "hearth:token_ids": this.#tokenIds } : {};
    const part: OutputText = { type: "output_text", text: this.#text, annotations: [], logprobs: [], ...ids };
    return { id: this.#itemId, type: "message", status, role: "assistant", content: [part] };
  }

  #place() {
    return { item_id: this.#itemId, output_index: outputIndex, content_index: contentIndex };
  }

  /** Events of our own go only to clients that ask for them: others may choke on a type that they do not know. */
  #progress(type: `hearth:${string}`, fields: object): ResponseEvent[] {
    return this.#options.progress ? [this.#event(type, fields)] : [];
  }

  #event(type: string, fields: object): ResponseEvent {
    return { type, sequence_number: this.#nextNumber++, ...fields };
  }
}
