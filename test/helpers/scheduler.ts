/** A scheduler on the fake engine, for tests that look into it. */
import { FakeClock } from "../../src/base/clock.js";
import { Health } from "../../src/base/health.js";
import { silentLogger } from "../../src/base/logger.js";
import { Metrics } from "../../src/base/metrics.js";
import type { Engine, EngineOptions, SamplerOptions } from "../../src/engine/contract.js";
import { SchedulerMetrics } from "../../src/scheduler/metrics.js";
import type { PrefixSnapshots } from "../../src/scheduler/prefix-snapshots.js";
import { Scheduler, type SchedulerDependencies } from "../../src/scheduler/scheduler.js";
import type { SequenceStream } from "../../src/scheduler/sequence-stream.js";
import {
  defaultSchedulerOptions,
  type SchedulerOptions,
  type SequenceEvent,
  type SequenceRequest,
} from "../../src/scheduler/types.js";
import { type FakeEngine, FakeEngineModule, type FakeOptions, fakeTokens } from "../fake-engine/module.js";

export const greedy: SamplerOptions = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyLastN: 64,
  seed: 0,
  logitBias: [],
};

/** A scheduler with all that it needs. */
export function schedulerOn(
  engine: Engine,
  options: Partial<SchedulerOptions> = {},
  snapshots: PrefixSnapshots | null = null,
  clock = new FakeClock(),
  more: Pick<SchedulerDependencies, "probeStorage"> & Partial<Pick<SchedulerDependencies, "logger">> = {},
) {
  const health = new Health(clock);
  const metrics = new Metrics();
  const dependencies = {
    clock,
    health,
    logger: silentLogger(),
    metrics: new SchedulerMetrics(metrics),
    snapshots,
    ...more,
  };
  const scheduler = new Scheduler(engine, { ...defaultSchedulerOptions, ...options }, dependencies);
  return { scheduler, clock, health, metrics };
}

export interface Rig {
  readonly module: FakeEngineModule;
  readonly engine: FakeEngine;
  readonly scheduler: Scheduler;
  readonly clock: FakeClock;
  readonly health: Health;
  readonly metrics: Metrics;
}

export async function startScheduler(
  fake: FakeOptions = {},
  engineOptions: Partial<EngineOptions> = {},
  schedulerOptions: Partial<SchedulerOptions> = {},
): Promise<Rig> {
  const module = new FakeEngineModule(fake);
  const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
  const engine = await module.createEngine(model, {
    threads: 1,
    decodeThreads: 0,
    maxSequences: 4,
    contextTokens: 512,
    kvTokens: 0,
    maxBatchTokens: 64,
    isa: "",
    ...engineOptions,
  });
  return { module, engine, ...schedulerOn(engine, schedulerOptions) };
}

export const tokensOf = (text: string) => Int32Array.from([fakeTokens.bos, ...new TextEncoder().encode(text)]);

export function request(text: string, more: Partial<SequenceRequest> = {}): SequenceRequest {
  return {
    prompt: tokensOf(text),
    sampler: greedy,
    maxTokens: 8,
    stopTokens: new Set([fakeTokens.eos]),
    cacheKey: null,
    ...more,
  };
}

export interface Outcome {
  readonly events: SequenceEvent[];
  readonly tokens: number[];
  readonly text: string;
  readonly end: Extract<SequenceEvent, { type: "end" }> | undefined;
  readonly error: unknown;
}

/** Reads a stream to its end and never throws. */
export async function outcome(stream: SequenceStream): Promise<Outcome> {
  const events: SequenceEvent[] = [];
  let error: unknown = null;
  try {
    for await (const event of stream) events.push(event);
  } catch (thrown) {
    error = thrown;
  }
  const tokens = events.flatMap((event) => (event.type === "token" ? [event.token] : []));
  const end = events.find((event) => event.type === "end");
  return { events, tokens, text: String.fromCharCode(...tokens), end, error };
}

/** Lets promises, timers and sockets run until `condition` holds; fails after `limitMs`. */
export async function until(condition: () => boolean, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
