import { FakeClock } from "../../../src/base/clock.js";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";
import { Health } from "../../../src/base/health.js";
import { silentLogger } from "../../../src/base/logger.js";
import { Metrics } from "../../../src/base/metrics.js";
import { SchedulerMetrics } from "../../../src/scheduler/metrics.js";
import { defaultSchedulerOptions } from "../../../src/scheduler/types.js";
import { GenerationService } from "../../../src/service/generation.js";
import { ModelHost } from "../../../src/service/model-host.js";
import type { GenerationEvent, GenerationRequest } from "../../../src/service/types.js";
import { FakeEngineModule, type FakeOptions } from "../../fake-engine/module.js";

export const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;

export function makeService(fake: FakeOptions = {}) {
  const module = new FakeEngineModule(fake);
  const clock = new FakeClock();
  const health = new Health(clock);
  const host = new ModelHost(
    module,
    {
      path: "/models/tiny.gguf",
      alias: "",
      engine: {
        threads: 1,
        decodeThreads: 0,
        maxSequences: 2,
        contextTokens: 512,
        kvTokens: 0,
        maxBatchTokens: 64,
        isa: "",
      },
      scheduler: defaultSchedulerOptions,
      loadWaitMs: 1000,
    },
    { clock, health, logger: silentLogger(), metrics: new SchedulerMetrics(new Metrics()) },
  );
  return { module, clock, health, host, service: new GenerationService(host) };
}

export function ask(text: string, more: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    model: "default",
    messages: [{ role: "user", content: text }],
    sampling: { temperature: 0 },
    maxTokens: null,
    stop: [],
    cacheKey: null,
    generate: true,
    signal: new AbortController().signal,
    ...more,
  };
}

export async function collect(events: AsyncIterable<GenerationEvent>) {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => (event.type === "text" ? event.text : "")).join("");
  return { all, text, done: all.find((event) => event.type === "done") };
}
