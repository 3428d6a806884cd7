import assert from "node:assert/strict";
import test from "node:test";
import { outcome, request, startScheduler, until } from "../../helpers/scheduler.js";
import { hasCode } from "./schedulers.js";

test("drain lets running answers end, and refuses and fails the rest", async () => {
  const rig = await startScheduler({ stepMs: () => 1 }, { maxSequences: 1 });
  const running = outcome(rig.scheduler.submit(request("run")));
  const queued = outcome(rig.scheduler.submit(request("wait")));
  const drained = rig.scheduler.drain(10_000);
  assert.ok(hasCode((await queued).error, "SHUTTING_DOWN"));
  assert.throws(
    () => rig.scheduler.submit(request("late")),
    (error) => hasCode(error, "SHUTTING_DOWN"),
  );
  assert.equal((await running).tokens.length, 8);
  await drained;
  assert.equal(rig.scheduler.busySlots, 0);
});

test("drain ends an answer that takes too long", async () => {
  const rig = await startScheduler({ stepMs: () => 1 });
  const endless = outcome(rig.scheduler.submit(request("run", { maxTokens: 450 })));
  await until(() => rig.scheduler.progress().stepsCompleted > 2);
  const drained = rig.scheduler.drain(1000);
  await rig.clock.advance(1000);
  await drained;
  assert.ok(hasCode((await endless).error, "SHUTTING_DOWN"));
  assert.equal(rig.scheduler.busySlots, 0);
});

test("drain does not wait for a reader that never reads", async () => {
  const rig = await startScheduler({}, {}, { maxUnreadTokens: 4 });
  const stuck = rig.scheduler.submit(request("run", { maxTokens: 50 }));
  await until(() => !rig.scheduler.progress().busy);
  const drained = rig.scheduler.drain(1000);
  await rig.clock.advance(1000);
  await drained;
  assert.ok(hasCode((await outcome(stuck)).error, "SHUTTING_DOWN"));
});
