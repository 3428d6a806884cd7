/** Chooses the server that answers: this one, or an upstream that the configuration names for the model or for too long a queue. */
import { HearthError } from "../../base/errors.js";
import { isSameName } from "../../store/model-names.js";
import type { Generations } from "../generation.js";
import { defaultModel, type ModelLease } from "../model-host.js";
import type { RunningModels } from "../model-library.js";
import type { LoadedModelInfo } from "../model-registry.js";
import type { Embedding, EmbeddingRequest, GenerationEvent, GenerationRequest } from "../types.js";
import type { Upstream } from "./upstream.js";

/** The models of this server, and how many wait for them. */
export interface OwnModels extends RunningModels {
  /** Requests that wait for a slot of the model; 0 where it is not loaded. */
  queued(name: string): number;
}

/** The models of this server and of its upstreams, for lists and names. */
export class RoutedModels implements OwnModels {
  readonly #own: OwnModels;
  readonly #upstreams: { readonly list: readonly Upstream[] };

  /** `upstreams` may change while this runs. */
  constructor(own: OwnModels, upstreams: { readonly list: readonly Upstream[] }) {
    this.#own = own;
    this.#upstreams = upstreams;
  }

  /** The first healthy upstream that serves the model, else the first one; null for a model of this server. */
  upstreamOf(name: string): Upstream | null {
    // A pattern does not take what names the configured model.
    const serving = this.#upstreams.list.filter((upstream) =>
      name === defaultModel ? upstream.names().includes(name) : upstream.serves(name),
    );
    return serving.find(({ healthy }) => healthy) ?? serving[0] ?? null;
  }

  /** For a request that would wait here too long; null: it stays. */
  relief(name: string): Upstream | null {
    const own = this.#own.resolve(name);
    const waiting = this.#own.queued(own);
    return this.#upstreams.list.find((upstream) => upstream.relieves(own, waiting)) ?? null;
  }

  names(): readonly string[] {
    return [...new Set([...this.#own.names(), ...this.#upstreams.list.flatMap((upstream) => upstream.names())])];
  }

  resolve(name: string): string {
    const names = [...this.names(), defaultModel];
    const known = names.includes(name) ? name : (names.find((each) => isSameName(name, each)) ?? name);
    return this.upstreamOf(known) ? known : this.#own.resolve(known);
  }

  acquire(name: string, signal: AbortSignal, keepAliveMs?: number): Promise<ModelLease> {
    return this.#own.acquire(name, signal, keepAliveMs);
  }

  locate(name: string): ReturnType<OwnModels["locate"]> {
    return this.#own.locate(name);
  }

  isElsewhere(name: string): boolean {
    return this.upstreamOf(name) !== null;
  }

  loaded(): readonly LoadedModelInfo[] {
    return this.#own.loaded();
  }

  async unload(name: string): Promise<void> {
    if (!this.isElsewhere(name)) await this.#own.unload(name);
  }

  queued(name: string): number {
    return this.#own.queued(name);
  }
}

/** Formats that are said in grammars alone. */
const onlyHere: ReadonlySet<string | undefined> = new Set(["grammar", "choice", "pattern"]);

export class RoutedGenerations implements Generations {
  readonly #own: Generations;
  readonly #models: RoutedModels;

  constructor(own: Generations, models: RoutedModels) {
    this.#own = own;
    this.#models = models;
  }

  resolveModel(name: string): string {
    return this.#models.resolve(name);
  }

  models(): readonly string[] {
    return this.#models.names();
  }

  generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined> {
    const upstream = this.#models.upstreamOf(request.model) ?? this.#relief(request);
    return (upstream ?? this.#own).generate(request);
  }

  async embed(request: EmbeddingRequest): Promise<Embedding> {
    // Never relieved: another model's vectors cannot be compared with ours.
    return (this.#models.upstreamOf(request.model) ?? this.#own).embed(request);
  }

  async countTokens(request: GenerationRequest): Promise<number> {
    const upstream = this.#models.upstreamOf(request.model);
    if (!upstream) return this.#own.countTokens(request);
    const message = `Tokens of ${request.model} cannot be counted here: ${upstream.name} runs it.`;
    throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "model" });
  }

  /** A request that only this server can answer stays here. */
  #relief(request: GenerationRequest): Upstream | null {
    const staysHere = onlyHere.has(request.format?.type) || request.promptTokens !== undefined || !request.generate;
    return staysHere ? null : this.#models.relief(request.model);
  }
}
