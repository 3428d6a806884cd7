import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import { Health } from "../../../../src/base/health.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { Metrics } from "../../../../src/base/metrics.js";
import type {
  EngineOptions,
  MatmulChoice,
  MatmulKind,
  MatmulTrial,
  Model,
  StepPlan,
} from "../../../../src/engine/contract.js";
import { SchedulerMetrics } from "../../../../src/scheduler/metrics.js";
import { defaultSchedulerOptions } from "../../../../src/scheduler/types.js";
import { IdleTime } from "../../../../src/service/idle-time.js";
import { ModelRegistry } from "../../../../src/service/model-registry.js";
import { AutoTuner } from "../../../../src/service/tuning/auto-tuner.js";
import { choicesFor, choicesOf, tuneMatmuls } from "../../../../src/service/tuning/matmuls.js";
import { type MeasuredTuning, type TuneOptions, tune } from "../../../../src/service/tuning/threads.js";
import { FakeEngineModule, type FakeOptions } from "../../../fake-engine/module.js";
import { outcome, request, until } from "../../../helpers/scheduler.js";

const never = new AbortController().signal;
const idleMs = 1000;

/** The registry of a board with four cores, tuned in its idle time as the daemon does, and what was measured. */
function makeRig(fake: FakeOptions = {}) {
  const module = new FakeEngineModule({ cores: 4, ...fake });
  const clock = new FakeClock();
  const known = new Map<string, MeasuredTuning>();
  let choices: MatmulChoice[] = [];
  const tunings = {
    wantsThreads: true,
    measurements: 0,
    matmulMeasurements: 0,
    findMatmuls: (kinds: readonly MatmulKind[]) => choicesFor(kinds, choices),
    async measureMatmuls(model: Model, options: TuneOptions) {
      tunings.matmulMeasurements++;
      const ways = module.matmulWays();
      const rows = await tuneMatmuls(module, model, { ...options, ways, threads: 0, now: () => clock.now() });
      choices = choicesOf(rows);
      return rows;
    },
    find: (file: string) => known.get(file) ?? null,
    async measure(file: string, model: Model, options: TuneOptions) {
      tunings.measurements++;
      const tuning = await tune(module, model, { isa: "" }, options);
      known.set(file, tuning);
      return tuning;
    },
  };
  const idle = new IdleTime(clock, idleMs);
  const catalog = [{ name: "other", path: "other.gguf" }];
  const registry = new ModelRegistry(
    module,
    { list: () => catalog, find: (name) => catalog.find((model) => model.name === name) ?? null },
    {
      configured: { name: "home", path: "home.gguf" },
      alias: "",
      host: {
        engine: {
          threads: 0,
          decodeThreads: 0,
          maxSequences: 2,
          contextTokens: 512,
          kvTokens: 0,
          maxBatchTokens: 64,
          isa: "",
        },
        scheduler: { ...defaultSchedulerOptions, speculation: false },
        loadWaitMs: 1000,
      },
      budgetBytes: 10_000_000,
      keepAliveMs: -1,
    },
    {
      clock,
      logger: silentLogger(),
      health: new Health(clock),
      metrics: new SchedulerMetrics(new Metrics()),
      tuning: tunings.find,
      matmuls: tunings.findMatmuls,
      idle,
    },
  );
  const tuner = new AutoTuner({ clock, logger: silentLogger(), tunings });
  const start = async () => {
    await registry.start();
    idle.start((signal) => tuner.tune(registry.ready(), signal));
  };
  /** Asks a model for `tokens` tokens and waits for the answer. */
  const ask = async (tokens: number, model = "home") => {
    const { loaded, release } = await registry.acquire(model, never);
    await outcome(loaded.scheduler.submit(request("Hi", { maxTokens: tokens })));
    release();
  };
  return { module, clock, known, tunings, idle, registry, start, ask };
}

/** Two threads are the best for decode and four for prefill. */
function board(plan: StepPlan, { threads, decodeThreads }: EngineOptions): number {
  const tokens = plan.chunks.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
  return tokens > 8 ? 16 / threads : 6 / Math.min(decodeThreads, 2);
}

test("a model is measured once it has been idle for a while, and runs with the result from then on", async () => {
  const { module, clock, known, tunings, start, ask } = makeRig({ stepMs: board });
  await start();
  await clock.advance(idleMs - 1);
  assert.equal(tunings.measurements, 0);
  await clock.advance(1);
  await until(() => known.has("home.gguf"));
  await ask(2);
  assert.deepEqual(module.engines[0]?.usedThreads, { threads: 4, decodeThreads: 2 });
  await clock.advance(100 * idleMs);
  assert.equal(tunings.measurements, 1, "it is known");
});

test("a request stops the measurement in the middle of a step, and the next idle time starts another", async () => {
  const { module, clock, known, tunings, registry, start } = makeRig({ manual: true });
  await start();
  await clock.advance(idleMs);
  const trial = () => module.engines.at(-1);
  await until(() => trial()?.held === true);
  assert.equal(module.engines.length, 2);
  const { release } = await registry.acquire("home", never);
  await until(() => trial()?.held === false);
  assert.equal(trial()?.plans.length, 1);
  await clock.advance(100 * idleMs);
  assert.equal(tunings.measurements, 1, "somebody uses the model");
  release();
  await clock.advance(idleMs);
  await until(() => trial()?.held === true);
  assert.equal(tunings.measurements, 2);
  assert.equal(known.size, 0);
});

test("a model that does not fit in memory is not measured, for that would take the memory that it has", async () => {
  const residency = {
    keptBytes: 2,
    lockedBytes: 2,
    residentBytes: 2,
    streamedBytes: 1,
    ringBytes: 1,
    budgetBytes: 3,
    limit: "memory.budget_bytes",
    readBytes: 0,
    readingMs: 0,
    waitedMs: 0,
  };
  const { module, clock, tunings, start } = makeRig({ residency });
  await start();
  await clock.advance(100 * idleMs);
  assert.equal(tunings.measurements, 0);
  assert.equal(module.engines.length, 1);
});

test("a model that another request loaded is measured too, and one that the daemon leaves is not", async () => {
  const { clock, known, tunings, registry, start, ask } = makeRig();
  await start();
  await ask(1, "other");
  await clock.advance(idleMs);
  await until(() => known.size === 2);
  assert.deepEqual([...known.keys()], ["home.gguf", "other.gguf"]);
  await registry.unload("other");
  known.clear();
  await clock.advance(idleMs);
  assert.equal(tunings.measurements, 2, "once tried, a model is left alone");
});

test("answers that come much slower than measured have it measured again, once an hour at most", async () => {
  let slowness = 1;
  const { clock, known, tunings, start, ask } = makeRig({
    stepMs: (plan, engine) => slowness * board(plan, engine),
  });
  await start();
  await clock.advance(idleMs);
  await until(() => known.has("home.gguf"));
  slowness = 4;
  await ask(40);
  await clock.advance(idleMs);
  assert.equal(tunings.measurements, 1, "it was measured just now");
  await clock.advance(3_600_000);
  await ask(1);
  await clock.advance(idleMs);
  await until(() => tunings.measurements === 2);
});

test("answers of the measured speed give no reason to measure again", async () => {
  const { clock, known, tunings, start, ask } = makeRig({ stepMs: board });
  await start();
  await clock.advance(idleMs);
  await until(() => known.has("home.gguf"));
  await ask(40);
  await clock.advance(3_600_000);
  await ask(1);
  await clock.advance(idleMs);
  assert.equal(tunings.measurements, 1);
});

test("one core has nothing to choose from", async () => {
  const single = makeRig({ cores: 1 });
  await single.start();
  await single.clock.advance(idleMs);
  assert.equal(single.tunings.measurements, 0);
});

test("a failed measurement is not repeated at once", async () => {
  const failing = makeRig();
  await failing.start();
  failing.module.failCall("createEngine", 1, "OUT_OF_MEMORY");
  await failing.clock.advance(idleMs);
  await failing.ask(1);
  await failing.clock.advance(idleMs);
  assert.equal(failing.tunings.measurements, 1);
  await failing.clock.advance(3_600_000);
  await failing.ask(1);
  await failing.clock.advance(idleMs);
  await until(() => failing.known.has("home.gguf"));
});

test("what is done in idle time has stopped when stopping is done", async () => {
  const { module, clock, idle, start } = makeRig({ manual: true });
  await start();
  await clock.advance(idleMs);
  await until(() => module.engines.at(-1)?.held === true);
  await idle.stop();
  assert.equal(module.engines.at(-1)?.held, false);
  idle.enter();
  idle.leave();
  await clock.advance(idleMs);
  assert.equal(module.engines.length, 2, "nothing begins any more");
});

const kinds = [
  { type: "Q4_0", rowLength: 2048 },
  { type: "Q6_K", rowLength: 2048 },
];
/** A processor that the usual way suits for one kind, and not for the other. */
const matmuls = {
  kinds,
  ways: ["wide:memory:8192", "wide:streams:256", "narrow:streams:256"],
  speed: ({ type }: MatmulKind, { way, columns }: MatmulTrial) => {
    if (columns > 8) return way.startsWith("wide") ? 2e9 : 1e9;
    return type === "Q6_K" && way.includes("streams") ? 40e9 : 30e9;
  },
};

test("kernels are measured before threads, and used from the next step on", async () => {
  const { module, clock, known, tunings, start, ask } = makeRig({ matmuls });
  await start();
  await clock.advance(idleMs);
  await until(() => known.has("home.gguf"));
  assert.equal(tunings.matmulMeasurements, 1);
  await ask(2);
  const usual = { one: "wide:memory:8192", few: "wide:memory:8192", many: "wide:memory:8192" };
  assert.deepEqual(module.engines[0]?.matmuls(), [
    { ...kinds[0], ...usual },
    { ...kinds[1], one: "wide:streams:256", few: "wide:streams:256", many: "wide:memory:8192" },
  ]);
  await clock.advance(100 * idleMs);
  assert.equal(tunings.matmulMeasurements, 1, "they are known");
});

test("a request stops the measurement of kernels between two trials", async () => {
  let stop = () => {};
  const { module, clock, known, registry, start } = makeRig({
    matmuls: {
      ...matmuls,
      speed: (kind, trial) => {
        if (module.trials.length === 5) stop();
        return matmuls.speed(kind, trial);
      },
    },
  });
  await start();
  const used = new Promise<void>((resolve) => {
    stop = () => void registry.acquire("home", never).then(() => resolve());
  });
  await clock.advance(idleMs);
  await used;
  await until(() => module.trials.length >= 5);
  assert.ok(module.trials.length <= 7, `${module.trials.length} trials`);
  assert.equal(known.size, 0);
});

test("one core has kernels to choose from, too", async () => {
  const { clock, tunings, start } = makeRig({ cores: 1, matmuls });
  await start();
  await clock.advance(idleMs);
  await until(() => tunings.matmulMeasurements === 1);
  assert.equal(tunings.measurements, 0);
});
