import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, settlesWithin } from "../../src/base/async.js";
import { FakeClock, systemClock } from "../../src/base/clock.js";
import { Health } from "../../src/base/health.js";
import { createLogger } from "../../src/base/logger.js";
import { Metrics } from "../../src/base/metrics.js";

/** The line that a logger of these options writes for one call. */
function logged(prompts: boolean, fields: object): string {
  let output = "";
  const logger = createLogger({ level: "info", prompts }, { write: (line) => (output += line) });
  logger.info(fields, "event");
  return output;
}

test("a log line is one JSON object with time, level and message", () => {
  const line = JSON.parse(logged(false, { slot: 3 }));
  assert.equal(line.level, "info");
  assert.equal(line.msg, "event");
  assert.equal(line.slot, 3);
  assert.ok(!Number.isNaN(Date.parse(line.time)));
});

test("prompts and answers are not in the log unless the configuration asks for them", () => {
  const fields = { input: "private", request: { instructions: "private", messages: ["private"] }, delta: "private" };
  assert.ok(!logged(false, fields).includes("private"));
  assert.match(logged(true, fields), /private/);
});

test("keys are never in the log", () => {
  const fields = {
    authorization: "Bearer hunter2",
    headers: { authorization: "hunter2", cookie: "hunter2" },
    apiKey: "hunter2",
  };
  assert.ok(!logged(true, fields).includes("hunter2"));
  assert.match(logged(true, fields), /\[redacted\]/);
});

test("metrics are rendered with help, labels and values", async () => {
  const metrics = new Metrics();
  metrics.counter({ name: "hearth_tokens_total", help: "Tokens.", labels: ["phase"] }).inc({ phase: "decode" }, 5);
  let busy = 1;
  metrics.gauge({ name: "hearth_slots_busy", help: "Slots.", read: () => busy });
  metrics.histogram({ name: "hearth_step_seconds", help: "Steps.", buckets: [0.1, 1] }).observe(0.5);
  busy = 3;
  const text = await metrics.render();
  assert.match(text, /^# HELP hearth_tokens_total Tokens\.$/m);
  assert.match(text, /^hearth_tokens_total\{phase="decode"\} 5$/m);
  assert.match(text, /^hearth_slots_busy 3$/m);
  assert.match(text, /^hearth_step_seconds_bucket\{le="1"\} 1$/m);
  assert.match(text, /^hearth_step_seconds_bucket\{le="0\.1"\} 0$/m);
});

test("two registries do not know of each other", async () => {
  const [first, second] = [new Metrics(), new Metrics()];
  first.counter({ name: "hearth_a_total", help: "A." });
  second.counter({ name: "hearth_a_total", help: "A." }).inc();
  assert.match(await first.render(), /^hearth_a_total 0$/m);
});

test("health is the conjunction of its conditions, and changes are told once", async () => {
  const clock = new FakeClock();
  const health = new Health(clock);
  const told: string[] = [];
  const stop = health.onChange(({ name, reason }) => told.push(`${name}: ${reason}`));
  health.setHealthy("engine");
  assert.ok(health.healthy);
  await clock.advance(5);
  health.setUnhealthy("engine", "broken");
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
  assert.deepEqual(told, ["engine: ", "engine: broken", "engine: still broken"]);
  stop();
  health.setHealthy("engine");
  assert.equal(told.length, 3);
});

test("a fake clock runs what falls due, in order, also what is added on the way", async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  clock.after(20, () => order.push(`b${clock.now()}`));
  clock.after(10, () => {
    order.push(`a${clock.now()}`);
    clock.after(5, () => order.push(`c${clock.now()}`));
  });
  const cancel = clock.after(12, () => order.push("never"));
  cancel();
  await clock.advance(15);
  assert.deepEqual(order, ["a10", "c15"]);
  await clock.advance(100);
  assert.deepEqual(order, ["a10", "c15", "b20"]);
  assert.equal(clock.now(), 115);
});

test("the system clock waits, and a cancelled wait does nothing", async () => {
  const started = systemClock.now();
  systemClock.after(1, () => assert.fail("was cancelled"))();
  // The clock's own timers do not keep a process alive; this one stands for the daemon's sockets.
  const alive = setTimeout(() => {}, 1000);
  await new Promise<void>((resolve) => systemClock.after(10, resolve));
  clearTimeout(alive);
  assert.ok(systemClock.now() - started >= 9);
});

test("settlesWithin tells done from late, and takes an error for done", async () => {
  const clock = new FakeClock();
  const never = deferred<void>();
  const late = settlesWithin(never.promise, 100, clock);
  const failing = deferred<void>();
  const failed = settlesWithin(failing.promise, 100, clock);
  failing.reject(new Error("broken"));
  assert.equal(await failed, "settled");
  await clock.advance(100);
  assert.equal(await late, "late");
});
