import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { Health } from "../../../src/base/health.js";

test("health is the conjunction of its conditions", async () => {
  const clock = new FakeClock();
  const health = new Health(clock);
  health.setHealthy("engine");
  assert.ok(health.healthy);
  await clock.advance(5);
  health.setUnhealthy("engine", "broken");
  await clock.advance(5);
  health.setUnhealthy("engine", "still broken");
  assert.ok(!health.healthy);
  assert.deepEqual(health.get("engine"), {
    name: "engine",
    healthy: false,
    reason: "still broken",
    optional: false,
    since: 5,
  });
});

test("a change of health is told once, until nobody listens any more", () => {
  const health = new Health(new FakeClock());
  const told: string[] = [];
  const stop = health.onChange(({ name, reason }) => told.push(`${name}: ${reason}`));
  health.setHealthy("engine");
  health.setUnhealthy("engine", "broken");
  health.setUnhealthy("engine", "broken");
  health.setUnhealthy("engine", "still broken");
  assert.deepEqual(told, ["engine: ", "engine: broken", "engine: still broken"]);
  stop();
  health.setHealthy("engine");
  assert.equal(told.length, 3);
});
