import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { deferred } from "../../../src/base/async.js";
import { FakeClock } from "../../../src/base/clock.js";
import { StalledSteps } from "../../../src/scheduler/stalled-steps.js";

test("a step that takes long is let be while the storage answers", async () => {
  const clock = new FakeClock();
  let probes = 0;
  const stalls: number[] = [];
  const step = deferred<string>();
  const watched = new StalledSteps(clock, async () => void probes++).watch(step.promise, (ms) => stalls.push(ms));
  await clock.advance(19_000);
  assert.equal(probes, 0);
  await clock.advance(100_000);
  assert.ok(probes > 5);
  step.resolve("computed");
  assert.equal(await watched, "computed");
  assert.deepEqual(stalls, []);
  const before = probes;
  await clock.advance(100_000);
  assert.equal(probes, before);
});

test("a step that hangs with its storage is given up, and one probe waits at a time", async () => {
  const clock = new FakeClock();
  const probe = deferred<void>();
  let probes = 0;
  const stalls: number[] = [];
  const step = deferred<string>();
  const stalled = new StalledSteps(clock, () => {
    probes++;
    return probe.promise;
  });
  const watched = stalled.watch(step.promise, (ms) => stalls.push(ms));
  await clock.advance(300_000);
  assert.equal(probes, 1);
  assert.deepEqual(stalls, [25_000]);
  probe.reject(new Error("it fails now"));
  step.reject(new Error("so does the step"));
  await assert.rejects(watched, /so does the step/);
  await nextTurn();
});
