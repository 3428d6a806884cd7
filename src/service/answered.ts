/**
 * Notes each answer: a line in the log for whoever looks after the board, and who asked lately. Tells counts and times, never what was
 * asked or answered. Must not know protocols.
 */
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Generations } from "./generation.js";
import { Stopwatch } from "./timings.js";
import type { Embedding, EmbeddingRequest, GenerationEvent, GenerationRequest } from "./types.js";

export interface RecentClient {
  readonly name: string;
  readonly answers: number;
  /** Running at the moment. */
  readonly running: number;
  /** Milliseconds since 1970. */
  readonly lastAt: number;
}

/** So many clients are remembered; the one that asked longest ago makes room. */
const mostClients = 32;

export class AnsweredGenerations implements Generations {
  readonly #inner: Generations;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By name, the one that asked longest ago first. */
  readonly #clients = new Map<string, { answers: number; running: number; lastAt: number }>();

  constructor(inner: Generations, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#inner = inner;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The clients of late, the last one first. */
  recentClients(): readonly RecentClient[] {
    return [...this.#clients].reverse().map(([name, counts]) => ({ name, ...counts }));
  }

  resolveModel(name: string): string {
    return this.#inner.resolveModel(name);
  }

  models(): readonly string[] {
    return this.#inner.models();
  }

  async *generate(request: GenerationRequest): AsyncGenerator<GenerationEvent, void, undefined> {
    const client = this.#enter(request.demand?.name ?? "somebody");
    const watch = new Stopwatch(this.#clock);
    let failure: string | null = null;
    try {
      for await (const event of this.#inner.generate(request)) {
        watch.take(event);
        yield event;
      }
    } catch (error) {
      failure = error instanceof HearthError ? error.code : "INTERNAL";
      throw error;
    } finally {
      client.running--;
      client.lastAt = this.#clock.wallTime();
      if (watch.timings || failure === null) client.answers++;
      this.#log(request, watch, failure);
    }
  }

  countTokens(request: GenerationRequest): Promise<number> {
    return this.#inner.countTokens(request);
  }

  embed(request: EmbeddingRequest): Promise<Embedding> {
    return this.#inner.embed(request);
  }

  #enter(name: string): { answers: number; running: number; lastAt: number } {
    const client = this.#clients.get(name) ?? { answers: 0, running: 0, lastAt: 0 };
    client.running++;
    client.lastAt = this.#clock.wallTime();
    this.#clients.delete(name);
    this.#clients.set(name, client);
    const oldest = [...this.#clients].find(([, { running }]) => running === 0);
    if (this.#clients.size > mostClients && oldest) this.#clients.delete(oldest[0]);
    return client;
  }

  #log({ model, demand }: GenerationRequest, { timings }: Stopwatch, failure: string | null): void {
    const whose = { caller: demand?.name, model };
    if (timings) {
      const { usage, waitMs, promptMs, generateMs } = timings;
      const times = { waitMs: Math.round(waitMs), promptMs: Math.round(promptMs), generateMs: Math.round(generateMs) };
      this.#logger.info({ ...whose, ...usage, ...times }, "answered");
    } else if (failure !== null && failure !== "REQUEST_CANCELLED") {
      this.#logger.info({ ...whose, code: failure }, "not answered");
    } else this.#logger.info(whose, "the client left");
  }
}
