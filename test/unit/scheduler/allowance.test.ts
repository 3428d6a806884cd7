import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { Health } from "../../../src/base/health.js";
import { silentLogger } from "../../../src/base/logger.js";
import { Metrics } from "../../../src/base/metrics.js";
import { StepAllowance } from "../../../src/scheduler/allowance.js";
import { SchedulerMetrics } from "../../../src/scheduler/metrics.js";
import { Scheduler } from "../../../src/scheduler/scheduler.js";
import { defaultSchedulerOptions } from "../../../src/scheduler/types.js";
import { FakeEngineModule } from "../../fake-engine/module.js";
import { outcome, request, until } from "../../helpers/scheduler.js";

async function rig() {
  const module = new FakeEngineModule({ cores: 4, stepMs: () => 2 });
  const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
  const options = {
    threads: 4,
    decodeThreads: 0,
    maxSequences: 2,
    contextTokens: 512,
    kvTokens: 0,
    maxBatchTokens: 64,
  };
  const engine = await module.createEngine(model, { ...options, isa: "" });
  const clock = new FakeClock();
  const allowance = new StepAllowance(clock);
  const scheduler = new Scheduler(engine, defaultSchedulerOptions, {
    clock,
    allowance,
    health: new Health(clock),
    logger: silentLogger(),
    metrics: new SchedulerMetrics(new Metrics()),
  });
  return { engine, clock, allowance, scheduler };
}

test("steps take the threads that are allowed, and those that suit the model when all are", async () => {
  const { engine, allowance, scheduler } = await rig();
  await outcome(scheduler.submit(request("Hello")));
  assert.deepEqual(engine.usedThreads, { threads: 4, decodeThreads: 4 });
  allowance.set(2, 1);
  await outcome(scheduler.submit(request("Hello")));
  assert.deepEqual(engine.usedThreads, { threads: 2, decodeThreads: 2 });
  scheduler.useThreads(4, 3);
  await outcome(scheduler.submit(request("Hello")));
  assert.deepEqual(engine.usedThreads, { threads: 2, decodeThreads: 2 });
  allowance.set(4, 1);
  await outcome(scheduler.submit(request("Hello")));
  assert.deepEqual(engine.usedThreads, { threads: 4, decodeThreads: 3 });
});

test("answers are the same with any allowance", async () => {
  const { allowance, scheduler, clock } = await rig();
  const whole = await outcome(scheduler.submit(request("Hello", { maxTokens: 40 })));
  allowance.set(1, 0.5);
  let slow: readonly number[] | null = null;
  void outcome(scheduler.submit(request("Hello", { maxTokens: 40 }))).then(({ tokens }) => {
    slow = tokens;
  });
  for (let i = 0; slow === null; i++) {
    allowance.set((i % 4) + 1, 0.25 + (i % 3) / 4);
    await clock.advance(50);
  }
  assert.deepEqual(slow, whole.tokens);
});

test("a rest is as long as its share of the work, adds up from short ones, and has an end", async () => {
  const clock = new FakeClock();
  const allowance = new StepAllowance(clock);
  allowance.worked(1000);
  assert.equal(allowance.rest(), null);
  allowance.set(4, 0.5);
  allowance.worked(1);
  assert.equal(allowance.rest(), null);
  allowance.worked(1);
  const rest = allowance.rest();
  assert.ok(rest);
  let isOver = false;
  void rest.then(() => {
    isOver = true;
  });
  await clock.advance(1);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(isOver, true);
  allowance.set(4, 0.001);
  allowance.worked(60_000);
  void allowance.rest()?.then(() => {
    isOver = false;
  });
  await clock.advance(4000);
  assert.equal(isOver, false);
});

test("a request that is cancelled during a rest ends, and a daemon that stops does not rest", async () => {
  const { allowance, scheduler, clock } = await rig();
  allowance.set(1, 0.01);
  const abort = new AbortController();
  const cancelled = outcome(scheduler.submit(request("Hello", { maxTokens: 400, signal: abort.signal })));
  await until(() => scheduler.progress().stepsCompleted > 0);
  allowance.worked(1000);
  abort.abort();
  assert.match(String((await cancelled).error), /cancelled/);
  await clock.advance(5000);
  await scheduler.drain(0);
  assert.equal(scheduler.busySlots, 0);
});
