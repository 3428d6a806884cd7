/** Another server that answers for models that this one does not run, or for those that too many wait for. */
import * as z from "zod";
import type { Clock } from "../../base/clock.js";
import { HearthError } from "../../base/errors.js";
import type { Embedding, EmbeddingRequest, GenerationEvent, GenerationRequest } from "../types.js";
import { ChunkReader, toUpstream } from "./chat.js";
import { type ClientOptions, UpstreamClient } from "./client.js";
import { matches } from "./patterns.js";

export interface UpstreamOptions extends ClientOptions {
  /** Names of clients' requests that go there, in which `*` stands for any text. */
  readonly models: readonly string[];
  /** Names there by names here. */
  readonly rename: Readonly<Record<string, string>>;
  /** How many may wait for a model of this server that `rename` names before the next one goes there; null: any number. */
  readonly overflow: number | null;
  readonly healthMs: number;
}

const healthLimitMs = 5000;
const mostModels = 1000;
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string().min(1).max(256) })) });
const embeddingsSchema = z.object({
  data: z.array(z.object({ embedding: z.array(z.number()).min(1) })).length(1),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

export class Upstream {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #clock: Clock;
  readonly #client: UpstreamClient;
  readonly #onHealth: (failure: HearthError | null) => void;
  #names: readonly string[] = [];
  #healthy = true; // until something is known
  #stopped = false;
  #cancelCheck: () => void = () => {};

  /** `onHealth` hears the outcome of every check. */
  constructor(options: UpstreamOptions, clock: Clock, onHealth: (failure: HearthError | null) => void) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
    this.#client = new UpstreamClient(options, clock);
    this.#onHealth = onHealth;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** The first check; more follow until `stop`. Never rejects. */
  async start(): Promise<void> {
    await this.#check();
    if (this.#stopped) return;
    this.#cancelCheck = this.#clock.after(this.#options.healthMs, () => void this.start());
  }

  /** No more checks; answers that run go on. */
  retire(): void {
    this.#stopped = true;
    this.#cancelCheck();
  }

  async stop(): Promise<void> {
    this.retire();
    this.#client.close();
  }

  serves(model: string): boolean {
    return this.#options.models.some((pattern) => matches(pattern, model));
  }

  /** It takes a request for this model of our own when `waiting` others wait. */
  relieves(model: string, waiting: number): boolean {
    const { overflow, rename } = this.#options;
    return overflow !== null && waiting >= overflow && this.#healthy && Object.hasOwn(rename, model);
  }

  /** The names that clients may ask it for: those that it lists, as far as they go there, and those of the configuration. */
  names(): readonly string[] {
    const { models } = this.#options;
    const named = models.filter((pattern) => !pattern.includes("*"));
    return [...new Set([...named, ...this.#names.filter((name) => this.serves(name))])];
  }

  async *generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined> {
    const { path, body } = toUpstream(request, this.#nameOf(request.model));
    const reader = new ChunkReader();
    for await (const chunk of this.#client.events(path, body, request.signal)) {
      // A warm-up draws a token, because there is no way to ask for none.
      for (const event of this.#naming(() => reader.take(chunk))) if (request.generate) yield event;
    }
    yield* this.#naming(() => reader.end());
  }

  /** UPSTREAM_BAD_RESPONSE where there is no vector in the answer. */
  async embed({ model, input, dimensions, signal }: EmbeddingRequest): Promise<Embedding> {
    const body = { model: this.#nameOf(model), input, encoding_format: "float", ...(dimensions && { dimensions }) };
    const limits = { limitMs: this.#options.firstTokenMs, signal };
    const parsed = embeddingsSchema.safeParse(await this.#client.json("POST", "/embeddings", body, limits));
    if (!parsed.success) {
      throw new HearthError("UPSTREAM_BAD_RESPONSE", `The upstream ${this.name}: its answer is no embedding.`);
    }
    const { data, usage } = parsed.data;
    const length = data[0]?.embedding.length ?? 0;
    if (dimensions !== undefined && length !== dimensions) {
      const message = `The upstream ${this.name} gives vectors of ${length} dimensions, not ${dimensions}.`;
      throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "dimensions" });
    }
    return { vector: Float32Array.from(data[0]?.embedding ?? []), promptTokens: usage?.prompt_tokens ?? 0 };
  }

  #nameOf(model: string): string {
    const { rename } = this.#options;
    return Object.hasOwn(rename, model) ? (rename[model] ?? model) : model;
  }

  async #check(): Promise<void> {
    try {
      const limits = { limitMs: healthLimitMs, signal: null };
      const parsed = modelsSchema.safeParse(await this.#client.json("GET", "/models", null, limits));
      if (!parsed.success) {
        throw new HearthError(
          "UPSTREAM_BAD_RESPONSE",
          `The upstream ${this.name}: its list of models has another form.`,
        );
      }
      this.#names = parsed.data.data.slice(0, mostModels).map(({ id }) => id);
      this.#healthy = true;
      if (!this.#stopped) this.#onHealth(null);
    } catch (error) {
      this.#healthy = false;
      const failure =
        error instanceof HearthError ? error : new HearthError("INTERNAL", String(error), { cause: error });
      if (!this.#stopped) this.#onHealth(failure);
    }
  }

  /** The reader of chunks does not know whose they are. */
  #naming<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      throw new HearthError(error.code, `The upstream ${this.name}: ${error.message}`, { cause: error });
    }
  }
}
