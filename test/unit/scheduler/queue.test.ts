import assert from "node:assert/strict";
import test from "node:test";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";
import { hasCode } from "./schedulers.js";

test("the queue is bounded, first come first served, and tells the position", async () => {
  const rig = await startScheduler({ manual: true }, { maxSequences: 1 }, { maxQueued: 2 });
  const order: number[] = [];
  const ask = (i: number) =>
    outcome(rig.scheduler.submit(request(`${i}`, { maxTokens: 1 }))).then((result) => {
      order.push(i);
      return result;
    });
  const accepted = [ask(0), ask(1), ask(2)];
  assert.throws(
    () => rig.scheduler.submit(request("3")),
    (error) => hasCode(error, "QUEUE_FULL"),
  );
  assert.equal(rig.scheduler.queueLength, 2);
  for (let i = 0; i < 3; i++) await rig.engine.release();
  const results = await Promise.all(accepted);
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual(results[2]?.events[0], { type: "queued", position: 2 });
});

test("a prompt longer than the context is refused at once, an empty one too", async () => {
  const { scheduler } = await startScheduler({}, { contextTokens: 16 });
  assert.throws(
    () => scheduler.submit(request("x".repeat(16))),
    (error) => hasCode(error, "CONTEXT_OVERFLOW"),
  );
  assert.throws(
    () => scheduler.submit(request("", { prompt: new Int32Array() })),
    (error) => hasCode(error, "REQUEST_INVALID"),
  );
});
