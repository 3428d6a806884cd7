import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HearthError } from "../../../src/base/errors.js";
import type { Scheduler } from "../../../src/scheduler/scheduler.js";
import type { SequenceRequest } from "../../../src/scheduler/types.js";
import { outcome, request, schedulerOn, startScheduler } from "../../helpers/scheduler.js";

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
  assert.deepEqual(scheduler.idleKv, { idleTokens: 0, prefixTokens });
  scheduler.giveBackIdle(true);
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
