import assert from "node:assert/strict";
import { test } from "node:test";
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
    checkHealth() {
      looks++;
      if (broken) throw new HearthError("FILE_CHANGED", "The file was cut short.");
    },
  };
  const watch = new ModelWatch(clock, health);
  watch.start(model);
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
