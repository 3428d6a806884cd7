import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import { Health } from "../../../../src/base/health.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { Metrics } from "../../../../src/base/metrics.js";
import type { EngineOptions, StepPlan } from "../../../../src/engine/contract.js";
import { SchedulerMetrics } from "../../../../src/scheduler/metrics.js";
import { defaultSchedulerOptions } from "../../../../src/scheduler/types.js";
import { ModelHost } from "../../../../src/service/model-host.js";
import { tune } from "../../../../src/service/tuning/threads.js";
import { TuningStore, tuningKey } from "../../../../src/store/machine-tunings.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { outcome, request, until } from "../../../helpers/scheduler.js";

/** A board whose prefill gains from every thread, and whose decode is at the memory's limit with two. */
function board(plan: StepPlan, { threads }: EngineOptions): number {
  const tokens = plan.chunks.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
  return tokens > 8 ? 40 / threads : 8 / Math.min(threads, 2);
}

async function tuned(stepMs: typeof board, signal?: AbortSignal) {
  const module = new FakeEngineModule({ cores: 4, stepMs });
  const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
  const progress: number[] = [];
  const result = tune(
    module,
    model,
    { isa: "" },
    { onProgress: (done) => progress.push(done), ...(signal && { signal }) },
  );
  return { result: await result, progress, module };
}

test("prefill and decode each get the fewest threads that are as fast as any", async () => {
  const { result, progress, module } = await tuned(board);
  assert.equal(result.threads, 4);
  assert.equal(result.decodeThreads, 2);
  assert.deepEqual(
    result.rows.map(({ threads }) => threads),
    [1, 2, 3, 4],
  );
  assert.ok((result.rows[1]?.decodeTokensPerSecond ?? 0) > 1.8 * (result.rows[0]?.decodeTokensPerSecond ?? 0));
  assert.equal(progress.at(-1), 1);
  for (const engine of module.engines) assert.throws(() => engine.truncateSequence(1, 0), /closed/);
});

test("where decode wants more threads than prefill, the engine has them", async () => {
  const { result } = await tuned((plan, engine) => (board(plan, engine) > 8 ? 40 : 8 / engine.threads));
  assert.equal(result.decodeThreads, 4);
  assert.equal(result.threads, 4);
});

test("a model runs with the threads that were measured for it", async () => {
  const module = new FakeEngineModule({ cores: 4 });
  const clock = new FakeClock();
  const engine = {
    threads: 0,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens: 64,
    kvTokens: 0,
    maxBatchTokens: 16,
    isa: "",
  };
  const options = { path: "fake.gguf", alias: "", engine, scheduler: defaultSchedulerOptions, loadWaitMs: 0 };
  const host = new ModelHost(module, options, {
    clock,
    logger: silentLogger(),
    health: new Health(clock),
    metrics: new SchedulerMetrics(new Metrics()),
    tuning: (file) => (file === "fake.gguf" ? { threads: 3, decodeThreads: 2 } : null),
  });
  const { scheduler } = await host.start();
  await outcome(scheduler.submit(request("Hi")));
  assert.deepEqual(module.engines[0]?.usedThreads, { threads: 3, decodeThreads: 2 });
  await host.stop(0);
});

test("a measurement that is stopped ends in the middle of a step, says why and closes its engine", async () => {
  const stop = new AbortController();
  const module = new FakeEngineModule({ cores: 4, manual: true });
  const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
  const result = tune(module, model, { isa: "" }, { signal: stop.signal });
  await until(() => module.engines[0]?.held === true);
  stop.abort(new Error("Ctrl-C"));
  await assert.rejects(result, /Ctrl-C/);
  assert.throws(() => module.engines[0]?.truncateSequence(1, 0), /closed/);
  await assert.rejects(tune(module, model, { isa: "" }, { signal: stop.signal }), /Ctrl-C/);
});

test("a stored tuning is found again for the same file and build only", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "model.gguf");
  writeFileSync(file, "x");
  const key = tuningKey(file, "1.0.0", "");
  const tuning = {
    threads: 4,
    decodeThreads: 2,
    decodeTokensPerSecond: 12.5,
    model: "model.gguf",
    measuredAt: "2026-01-01T00:00:00.000Z",
  };
  const store = new TuningStore(path.join(folder, "state"), new FakeEngineModule());
  assert.equal(store.find(key), null);
  await store.save(key, tuning);
  assert.deepEqual(new TuningStore(path.join(folder, "state"), new FakeEngineModule()).find(key), tuning);
  assert.equal(store.find(tuningKey(file, "1.0.1", "")), null);
  writeFileSync(file, "longer");
  assert.notEqual(tuningKey(file, "1.0.0", ""), key);
  writeFileSync(path.join(folder, "state", "tunings.json"), "{ damaged");
  assert.equal(store.find(key), null);
  await store.save(key, tuning);
  assert.deepEqual(store.find(key), tuning);
});
