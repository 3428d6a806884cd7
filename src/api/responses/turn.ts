/** One response from its request to its last event, for every transport. */
import type { Clock } from "../../base/clock.js";
import type { Demand } from "../../base/demand.js";
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { toHearthError } from "../../net/errors.js";
import { logShortened } from "../../net/shortened-notice.js";
import { askedModel, type Generations } from "../../service/generation.js";
import { defaultModel } from "../../service/model-host.js";
import { askedSampling } from "../../service/sampling.js";
import {
  defaultSampling,
  type GenerationRequest,
  type LeftOut,
  type Message,
  type OutputFormat,
} from "../../service/types.js";
import { toConversation } from "./input.js";
import { type InputItem, toInputItems } from "./input-items.js";
import { describeRequest, newId, type ResponseResource } from "./resource.js";
import { type CreateRequest, includes } from "./schema.js";
import { messagesBefore, type ResponseMemory, type ResponseStore, type StoredResponse } from "./store.js";
import { toToolUse } from "./tools.js";
import { type ResponseEvent, ResponseWriter } from "./writer.js";

export interface TurnDependencies {
  readonly generations: Generations;
  readonly store: ResponseStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who asks, and over what. */
export interface TurnClient {
  /** Whose the response is. */
  readonly owner: string;
  readonly demand: Demand;
  /** The memory of the socket's lane that the request came over; null for requests over HTTP. */
  readonly memory: ResponseMemory | null;
}

export class Turn {
  readonly owner: string;
  readonly #demand: Demand;
  readonly #request: CreateRequest;
  readonly #dependencies: TurnDependencies;
  readonly #memory: ResponseMemory | null;
  #writer: ResponseWriter | null = null;
  #stored: StoredResponse | null = null;
  /** The messages that the response continues. */
  #conversation: readonly Message[] = [];
  #inputItems: readonly InputItem[] | null = null;
  #isCancelled = false;

  constructor(request: CreateRequest, dependencies: TurnDependencies, { owner, demand, memory }: TurnClient) {
    this.#request = request;
    this.#demand = demand;
    this.owner = owner;
    this.#dependencies = dependencies;
    this.#memory = memory;
  }

  /** The response in its present state; not before the first event. */
  get response(): ResponseResource {
    if (!this.#writer) throw new HearthError("INTERNAL", "A response was asked for before its first event.");
    return this.#writer.response;
  }

  /** How long the response may go on without its client; null: as long as the configuration says. */
  get maxAwayMs(): number | null {
    return this.#request.max_away_ms ?? null;
  }

  /** Its client said that it may be away, and finds the end in the store: nothing waits for it. */
  get outlivesClient(): boolean {
    return this.maxAwayMs !== null && (this.#request.store ?? true);
  }

  /** The items of the request's input. */
  get inputItems(): readonly InputItem[] {
    this.#inputItems ??= toInputItems(this.#request.input);
    return this.#inputItems;
  }

  /** The client wants no more of the response: the next abort of the signal of `events` is no failure. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** The conversation for a later request to continue; null before the response is done, and when it failed. */
  get stored(): StoredResponse | null {
    return this.#stored;
  }

  /**
   * The wire events, in order. Throws what keeps the request from being accepted; what goes wrong later is an event, and
   * goes to `onFailure` too.
   */
  async *events(
    signal: AbortSignal,
    onFailure: (error: HearthError) => void = () => {},
  ): AsyncGenerator<ResponseEvent> {
    try {
      const { generation, makeWriter } = await this.#begin(signal);
      for await (const event of this.#dependencies.generations.generate(generation)) {
        if (!this.#writer) {
          this.#writer = makeWriter();
          yield* this.#writer.start();
        }
        const written = this.#writer.take(event);
        // Before the client hears that it is done, and may go on from it.
        if (event.type === "done") this.#remember(this.#writer);
        yield* written;
      }
    } catch (error) {
      if (this.#isCancelled && this.#writer) {
        const events = this.#writer.cancel();
        this.#remember(this.#writer);
        yield* events;
        return;
      }
      // A client that built on a failed turn would be mistaken about the conversation: it has to send its whole input again.
      this.#memory?.delete(this.#request.previous_response_id ?? "");
      if (!this.#writer) throw error;
      const failure = toHearthError(error);
      onFailure(failure);
      yield* this.#writer.fail(failure);
    }
  }

  /** The finished Response, without the events. Throws whatever goes wrong. */
  async complete(signal: AbortSignal): Promise<ResponseResource> {
    let failure: HearthError | null = null;
    for await (const _event of this.events(signal, (error) => {
      failure = error;
    }));
    if (failure) throw failure;
    return this.response;
  }

  /** Tokens of the prompt that the request would have. */
  async countTokens(signal: AbortSignal): Promise<number> {
    const { generations } = this.#dependencies;
    const model = generations.resolveModel(this.#request.model ?? defaultModel);
    const conversation = toConversation(await this.#previous(), this.#request.input);
    return generations.countTokens({ ...toGeneration(this.#request, model, conversation), signal });
  }

  /** The request in the service's words, and the writer of its events, to be made when the first one is there. */
  async #begin(signal: AbortSignal): Promise<{ generation: GenerationRequest; makeWriter: () => ResponseWriter }> {
    const { generations, clock, logger } = this.#dependencies;
    const request = this.#request;
    const model = askedModel(generations, request.model);
    this.#conversation = toConversation(await this.#previous(), request.input);
    const now = () => Math.floor(clock.wallTime() / 1000);
    const described = { id: newId("resp"), model, createdAt: now(), priority: this.#demand.priority };
    let sampling = defaultSampling;
    let shortened: LeftOut | null = null;
    const makeWriter = () =>
      new ResponseWriter(describeRequest(request, { ...described, sampling, isShortened: shortened !== null }), {
        tokenIds: request.include?.includes(includes.tokenIds) ?? false,
        progress: request.include?.includes(includes.progress) ?? false,
        generate: request.generate ?? true,
        leftOut: shortened,
        now,
      });
    const generation = {
      ...toGeneration(request, model, this.#conversation),
      onSampling: (used: typeof defaultSampling) => {
        sampling = used;
      },
      onShortened: (leftOut: LeftOut) => {
        shortened = leftOut;
        logShortened(logger, { responseId: described.id, model }, leftOut);
      },
      signal,
      demand: this.#demand,
    };
    return { generation, makeWriter };
  }

  #previous(): Promise<readonly Message[]> {
    const { store } = this.#dependencies;
    return messagesBefore(this.#request.previous_response_id, { store, owner: this.owner, memory: this.#memory });
  }

  #remember(writer: ResponseWriter): void {
    // Half a call has no result that could follow it, and templates stumble over arguments that are no JSON.
    const whole = writer.response.output.filter((item) => item.type !== "function_call" || item.status === "completed");
    const messages = toConversation(this.#conversation, whole);
    const stored = { response: writer.response, messages, input: this.inputItems };
    this.#stored = stored;
    this.#memory?.put(stored);
    if (writer.response.store) this.#dependencies.store.put(writer.response.id, this.owner, stored);
  }
}

function toGeneration(
  request: CreateRequest,
  model: string,
  conversation: readonly Message[],
): Omit<GenerationRequest, "signal"> {
  const instructions: Message[] = request.instructions ? [{ role: "system", content: request.instructions }] : [];
  const messages = [...instructions, ...conversation];
  if (messages.length === 0) {
    throw new HearthError("REQUEST_INVALID", "The request has no input.", { param: "input" });
  }
  return {
    model,
    messages,
    ...toToolUse(request),
    parallelToolCalls: request.parallel_tool_calls ?? true,
    reasoningEffort: request.reasoning?.effort ?? null,
    sampling: toSampling(request),
    maxTokens: request.max_output_tokens ?? null,
    format: toFormat(request.text?.format),
    stop: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
    ...(request.truncation && { truncation: request.truncation }),
    cacheKey: request.prompt_cache_key ?? null,
    generate: request.generate ?? true,
  };
}

function toFormat(format: NonNullable<CreateRequest["text"]>["format"]): OutputFormat {
  switch (format?.type) {
    case "json_schema":
      return { type: "json_schema", schema: format.schema, strict: format.strict ?? false };
    case "grammar":
      return { type: "grammar", grammar: format.definition };
    default:
      return { type: format?.type ?? "text" };
  }
}

function toSampling(request: CreateRequest): GenerationRequest["sampling"] {
  return askedSampling({
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    minP: request.min_p,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    repetitionPenalty: request.repetition_penalty,
    seed: request.seed,
  });
}
