import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { deferred } from "../../../src/base/async.js";
import { HearthError } from "../../../src/base/errors.js";
import { createLogger } from "../../../src/base/logger.js";
import type { Scheduler } from "../../../src/scheduler/scheduler.js";
import type { SequenceRequest } from "../../../src/scheduler/types.js";
import { outcome, request, schedulerOn, startScheduler, until } from "../../helpers/scheduler.js";

const answerOf = async (scheduler: Scheduler, asked: SequenceRequest) => outcome(scheduler.submit(asked));

test("what idle slots hold is given back at once where no step runs, kept prompts only when they are asked for too", async () => {
  const { scheduler, engine } = await startScheduler({}, { maxSequences: 2 });
  await answerOf(scheduler, request("a prompt that comes once", { maxTokens: 4 }));
  const shared = "a beginning that two prompts have, which is long enough to be of use to both: ";
  await answerOf(scheduler, request(`${shared}one`, { maxTokens: 4 }));
  await answerOf(scheduler, request(`${shared}two`, { maxTokens: 4 }));
  const { idleTokens, prefixTokens } = scheduler.idleKv;
  assert.ok(idleTokens + prefixTokens > shared.length && prefixTokens > 0, JSON.stringify(scheduler.idleKv));
  scheduler.giveBackIdle(false);
  await until(() => !scheduler.progress().busy);
  assert.deepEqual(scheduler.idleKv, { idleTokens: 0, prefixTokens });
  scheduler.giveBackIdle(true);
  await until(() => !scheduler.progress().busy);
  assert.deepEqual(scheduler.idleKv, { idleTokens: 0, prefixTokens: 0 });
  assert.equal(engine.openSequences, 0);
  assert.deepEqual(engine.memoryCalls, [
    ["holdFreeKv", false],
    ["holdFreeKv", false],
  ]);
});

test("while a step runs a change of the engine's memory waits for its end, and the answer is the same", async () => {
  const calm = await startScheduler();
  const expected = await answerOf(calm.scheduler, request("Hello", { maxTokens: 12 }));
  const { scheduler, engine, module } = await startScheduler({ manual: true });
  const answer = answerOf(scheduler, request("Hello", { maxTokens: 12 }));
  while (!engine.held) await nextTurn();
  scheduler.fitWeights(1000);
  scheduler.giveBackIdle(true);
  assert.deepEqual(engine.memoryCalls, []);
  await engine.release();
  while (!engine.held) await nextTurn();
  assert.deepEqual(engine.memoryCalls, [
    ["fitWeights", 1000],
    ["holdFreeKv", false],
  ]);
  module.failCall("fitWeights", 1, "OUT_OF_MEMORY");
  scheduler.fitWeights(4000);
  let answered = false;
  void answer.then(() => (answered = true));
  while (!answered) await (engine.held ? engine.release() : nextTurn());
  assert.equal((await answer).text, expected.text);
});

test("a change that takes long keeps steps waiting but nobody else, and of those that come meanwhile the newest of each kind is made", async () => {
  const { promise: changing, resolve } = deferred<void>();
  const { scheduler, engine } = await startScheduler({ changing });
  const expected = await answerOf((await startScheduler()).scheduler, request("Hello", { maxTokens: 12 }));
  scheduler.fitWeights(3000);
  assert.ok(scheduler.progress().busy);
  const answer = answerOf(scheduler, request("Hello", { maxTokens: 12 }));
  const cancelled = new AbortController();
  const unwanted = answerOf(scheduler, request("Bye", { maxTokens: 12, signal: cancelled.signal }));
  scheduler.fitWeights(2000);
  scheduler.giveBackIdle(false);
  scheduler.fitWeights(1000);
  cancelled.abort();
  assert.equal(((await unwanted).error as HearthError).code, "REQUEST_CANCELLED");
  assert.deepEqual(engine.memoryCalls, [["fitWeights", 3000]]);
  assert.equal(engine.plans.length, 0);
  resolve();
  assert.equal((await answer).text, expected.text);
  assert.deepEqual(engine.memoryCalls, [
    ["fitWeights", 3000],
    ["holdFreeKv", false],
    ["fitWeights", 1000],
  ]);
  assert.equal(engine.heldBytes, 1000);
});

test("a scheduler that stops waits for a change of memory, and begins no other", async () => {
  const { promise: changing, resolve } = deferred<void>();
  const { scheduler, engine } = await startScheduler({ changing });
  scheduler.fitWeights(3000);
  let stopped = false;
  const stopping = scheduler.drain(0).then(() => (stopped = true));
  scheduler.fitWeights(1000);
  for (let i = 0; i < 5; i++) await nextTurn();
  assert.ok(!stopped);
  resolve();
  await stopping;
  assert.deepEqual(engine.memoryCalls, [["fitWeights", 3000]]);
});

test("storage that hangs fails those that wait for it, and the next request works when the step has ended", async () => {
  const { engine, clock } = await startScheduler({ manual: true });
  const probeStorage = () => new Promise<void>(() => {});
  const { scheduler, health } = schedulerOn(engine, {}, null, clock, { probeStorage });
  const running = answerOf(scheduler, request("Hello", { maxTokens: 2 }));
  while (!engine.held) await nextTurn();
  await clock.advance(30_000);
  const { error } = await running;
  assert.ok(error instanceof HearthError && error.code === "FILE_READ_FAILED", String(error));
  assert.match(health.get("engine")?.reason ?? "", /has not answered for 25 seconds/);
  const next = answerOf(scheduler, request("Hello", { maxTokens: 1 }));
  await engine.release(); // the hanging step
  await engine.release();
  assert.equal((await next).tokens.length, 1);
  assert.ok(health.get("engine")?.healthy);
});

test("a change of the engine's memory that fails is logged with what was tried", async () => {
  const lines: { level: string; aim?: string; err?: { code?: string } }[] = [];
  const logger = createLogger({ level: "warn", prompts: false }, { write: (line) => lines.push(JSON.parse(line)) });
  const { engine, module, clock } = await startScheduler({});
  const { scheduler } = schedulerOn(engine, {}, null, clock, { logger });
  const changes = [
    ["holdFreeKv", () => scheduler.holdFreeKv(), "hold free room of the KV cache"],
    ["holdFreeKv", () => scheduler.giveBackIdle(false), "give back idle conversations"],
    ["holdFreeKv", () => scheduler.giveBackIdle(true), "give back idle conversations and kept prompts"],
    ["fitWeights", () => scheduler.fitWeights(1000), "keep another part of the weights in memory"],
  ] as const;
  for (const [call, change, aim] of changes) {
    module.failCall(call, 1, "OUT_OF_MEMORY");
    change();
    await until(() => lines.length > 0);
    assert.deepEqual(
      lines.splice(0).map((line) => line.aim),
      [aim],
    );
  }
});
