/**
 * Turns the events of one generation into the wire events of the Responses API, in their order and with their numbers. Both
 * transports send what it returns. Pure but for the ids; it must not know sockets.
 */
import type { HearthError } from "../../base/errors.js";
import { wireError } from "../../net/errors.js";
import type { FinishReason, GenerationEvent, LeftOut, Usage } from "../../service/types.js";
import { type EventBody, OpenCall, type OpenItem, OpenMessage, OpenReasoning } from "./output-items.js";
import {
  type describeRequest,
  type ItemStatus,
  type OutputItem,
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
  /** Parts of the conversation that the model does not see; null: it sees all. */
  readonly leftOut: LeftOut | null;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export class ResponseWriter {
  readonly #echo: ReturnType<typeof describeRequest>;
  readonly #options: WriterOptions;
  #state: ResponseState = {
    status: "in_progress",
    completed_at: null,
    output: [],
    usage: null,
    incomplete_details: null,
    error: null,
  };
  #items: readonly OutputItem[] = []; // closed ones
  #open: OpenItem | null = null;
  #brokeOff = false; // within a call
  /** Drawn tokens that no text has carried yet; kept only where the client wants to see them. */
  #tokens: number[] = [];
  #nextNumber = 0;

  constructor(echo: ReturnType<typeof describeRequest>, options: WriterOptions) {
    this.#echo = echo;
    this.#options = options;
  }

  /** The Response as it stands, with what there is of an item that grows. */
  get response(): ResponseResource {
    const isDone = this.#state.status !== "in_progress";
    const growing = this.#open ? [this.#open.item("in_progress")] : [];
    return { ...this.#echo, ...this.#state, output: isDone ? this.#state.output : [...this.#items, ...growing] };
  }

  start(): ResponseEvent[] {
    const { response } = this;
    const { leftOut } = this.#options;
    return this.#numbered([
      { type: "response.created", response },
      { type: "response.in_progress", response },
      ...(leftOut === null
        ? []
        : this.#progress({ type: "hearth:left_out", turns: leftOut.turns, tool_results: leftOut.toolResults })),
    ]);
  }

  take(event: GenerationEvent): ResponseEvent[] {
    return this.#numbered(this.#take(event));
  }

  /** The end of a response that broke off after it had started. */
  fail(error: HearthError): ResponseEvent[] {
    const { code, message } = wireError(error);
    if (this.#open) this.#items = [...this.#items, this.#open.item("incomplete")];
    this.#open = null;
    this.#state = { ...this.#state, status: "failed", output: this.#items, error: { code, message } };
    return this.#numbered([{ type: "response.failed", response: this.response }]);
  }

  /** The end of a response that its client wants no more of. Clients know no event of this name, and wait for one that ends. */
  cancel(): ResponseEvent[] {
    const closed = this.#close("incomplete");
    this.#state = { ...this.#state, status: "cancelled", output: this.#items };
    return this.#numbered([...closed, { type: "response.incomplete", response: this.response }]);
  }

  #take(event: GenerationEvent): EventBody[] {
    switch (event.type) {
      case "queued":
        return this.#progress({ type: "hearth:queued", position: event.position });
      case "prompt": {
        const { read: read_tokens, cached: cached_tokens, total: total_tokens } = event;
        return this.#progress({ type: "hearth:prompt_progress", read_tokens, cached_tokens, total_tokens });
      }
      case "started":
        return [];
      case "token":
        if (this.#options.tokenIds && event.id !== null) this.#tokens.push(event.id);
        return [];
      case "text":
        return this.#text(event.text);
      case "reasoning":
        this.#tokens = [];
        return this.#reasoning(event.text);
      case "call":
        this.#tokens = [];
        return this.#begin(new OpenCall(this.#nextIndex(), event));
      case "arguments":
        this.#tokens = [];
        return this.#open instanceof OpenCall ? this.#open.delta(event.text) : [];
      case "callEnd":
        this.#tokens = [];
        this.#brokeOff = !event.complete;
        return this.#close(event.complete ? "completed" : "incomplete");
      case "done":
        // The last tokens may be no whole character.
        return [...(this.#tokens.length > 0 ? this.#text("") : []), ...this.#finish(event.reason, event.usage)];
    }
  }

  /** Carries the tokens that were drawn since the last event with text. */
  #text(delta: string): EventBody[] {
    const tokens = this.#tokens;
    this.#tokens = [];
    if (this.#open instanceof OpenMessage) return this.#open.delta(delta, tokens);
    const message = new OpenMessage(this.#nextIndex(), this.#options.tokenIds);
    return [...this.#begin(message), ...message.delta(delta, tokens)];
  }

  #reasoning(delta: string): EventBody[] {
    if (this.#open instanceof OpenReasoning) return this.#open.delta(delta);
    const reasoning = new OpenReasoning(this.#nextIndex());
    return [...this.#begin(reasoning), ...reasoning.delta(delta)];
  }

  #finish(reason: FinishReason, usage: Usage): EventBody[] {
    // An answer of nothing has an item all the same.
    const isEmpty = this.#options.generate && this.#items.length === 0 && !this.#open;
    const opened = isEmpty ? this.#begin(new OpenMessage(0, this.#options.tokenIds)) : [];
    const status = reason === "length" || this.#brokeOff ? "incomplete" : "completed";
    const closed = this.#close(status);
    const why = reason === "length" ? "max_output_tokens" : "malformed_tool_call";
    this.#state = {
      ...this.#state,
      status,
      completed_at: status === "completed" ? this.#options.now() : null,
      output: this.#items,
      usage: toUsage(usage),
      incomplete_details: status === "incomplete" ? { reason: why } : null,
    };
    return [...opened, ...closed, { type: `response.${status}`, response: this.response }];
  }

  /** Items come one after the other: what was open is complete. */
  #begin(item: OpenItem): EventBody[] {
    const closed = this.#close("completed");
    this.#open = item;
    return [...closed, ...item.open()];
  }

  #close(status: ItemStatus): EventBody[] {
    const open = this.#open;
    if (!open) return [];
    this.#open = null;
    this.#items = [...this.#items, open.item(status)];
    return open.close(status);
  }

  #nextIndex(): number {
    return this.#items.length + (this.#open ? 1 : 0);
  }

  /** Events of our own go only to clients that ask for them: others may choke on a type that they do not know. */
  #progress(event: EventBody): EventBody[] {
    return this.#options.progress ? [event] : [];
  }

  #numbered(events: readonly EventBody[]): ResponseEvent[] {
    return events.map(({ type, ...fields }) => ({ type, sequence_number: this.#nextNumber++, ...fields }));
  }
}
