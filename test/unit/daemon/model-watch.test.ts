import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { deferred } from "../../../src/base/async.js";
import { FakeClock } from "../../../src/base/clock.js";
import { HearthError } from "../../../src/base/errors.js";
import { Health } from "../../../src/base/health.js";
import { ModelWatch } from "../../../src/daemon/model-watch.js";

test("a model file that breaks while nobody asks for an answer shows within seconds", async () => {
  const clock = new FakeClock();
  const health = new Health(clock);
  let broken = false;
  let looks = 0;
  const model = {
    info: { device: "mmcblk0p2" },
    async checkStorage() {
      looks++;
      if (broken) throw new HearthError("FILE_CHANGED", "The file was cut short.");
    },
  };
  const watch = new ModelWatch(clock, health);
  watch.start(model);
  await nextTurn();
  assert.ok(health.get("model_file")?.healthy);
  broken = true;
  await clock.advance(10_000);
  assert.equal(health.get("model_file")?.reason, "The file was cut short.");
  broken = false;
  await clock.advance(10_000);
  assert.ok(health.healthy);
  watch.stop();
  await clock.advance(60_000);
  assert.equal(looks, 3);
});

test("storage that does not answer shows by the name of its device, and so does that it answers again", async () => {
  const clock = new FakeClock();
  const health = new Health(clock);
  const answers = [deferred<void>(), deferred<void>()];
  const asked: number[] = [];
  const watch = new ModelWatch(clock, health);
  watch.start({
    info: { device: "mmcblk0p2" },
    async checkStorage() {
      asked.push(clock.now());
      await answers[asked.length - 1]?.promise;
    },
  });
  await clock.advance(60_000);
  const condition = health.get("model_file");
  assert.equal(condition?.healthy, false);
  assert.match(condition?.reason ?? "", /mmcblk0p2 .* has not answered for 20 seconds/);
  assert.equal(asked.length, 1, "one look at a time");
  answers[0]?.resolve();
  await clock.advance(1);
  assert.ok(health.healthy);
  watch.stop();
});

test("a file that changed is told, and an engine that failed for its sake is well once the file is", async () => {
  const clock = new FakeClock();
  const health = new Health(clock);
  health.setUnhealthy("engine", "FILE_READ_FAILED: The file could not be read.");
  let changes = 0;
  let code: "FILE_CHANGED" | "FILE_READ_FAILED" | null = "FILE_READ_FAILED";
  const watch = new ModelWatch(clock, health, () => changes++);
  watch.start({
    info: { device: "" },
    async checkStorage() {
      if (code) throw new HearthError(code, "It was told to fail.");
    },
  });
  await nextTurn();
  assert.deepEqual([health.get("engine")?.healthy, changes], [false, 0]);
  code = "FILE_CHANGED";
  await clock.advance(10_000);
  assert.deepEqual([health.get("engine")?.healthy, changes], [false, 1]);
  code = null;
  await clock.advance(10_000);
  assert.ok(health.healthy);
  health.setUnhealthy("engine", "INTERNAL: something else");
  await clock.advance(10_000);
  assert.equal(health.get("engine")?.healthy, false);
  watch.stop();
});
