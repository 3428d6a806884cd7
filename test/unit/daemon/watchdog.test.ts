import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { Health } from "../../../src/base/health.js";
import { silentLogger } from "../../../src/base/logger.js";
import { Watchdog } from "../../../src/daemon/watchdog.js";

const periodMs = 30_000;

function setUp() {
  const clock = new FakeClock();
  const health = new Health(clock);
  const scheduler = { busy: false, lastProgressAt: 0 };
  const pings: number[] = [];
  const watchdog = new Watchdog({
    clock,
    health,
    logger: silentLogger(),
    periodMs,
    progress: () => scheduler,
    ping: () => pings.push(clock.now()),
  });
  return { clock, health, scheduler, pings, watchdog };
}

test("an idle daemon pings at once and then three times a period", async () => {
  const { clock, pings, watchdog } = setUp();
  watchdog.start();
  await clock.advance(periodMs);
  assert.deepEqual(pings, [0, 10_000, 20_000, 30_000]);
});

test("work that gets on is pinged for, however long it takes in all", async () => {
  const { clock, health, scheduler, pings, watchdog } = setUp();
  scheduler.busy = true;
  watchdog.start();
  for (let step = 0; step < 10; step++) {
    await clock.advance(periodMs - 1);
    scheduler.lastProgressAt = clock.now();
  }
  assert.equal(pings.length, Math.floor(clock.now() / (periodMs / 3)) + 1);
  assert.ok(health.healthy);
});

test("work that stands still for a period gets no ping, though timers run", async () => {
  const { clock, health, scheduler, pings, watchdog } = setUp();
  watchdog.start();
  await clock.advance(5_000);
  Object.assign(scheduler, { busy: true, lastProgressAt: clock.now() });
  await clock.advance(10 * periodMs);
  assert.ok(Math.max(...pings) < 5_000 + periodMs);
  assert.equal(health.get("progress")?.healthy, false);
  assert.match(health.get("progress")?.reason ?? "", /for \d+ s\./);
});

test("a standstill that ends is pinged for again", async () => {
  const { clock, health, scheduler, pings, watchdog } = setUp();
  Object.assign(scheduler, { busy: true, lastProgressAt: 0 });
  watchdog.start();
  await clock.advance(2 * periodMs);
  const before = pings.length;
  scheduler.lastProgressAt = clock.now();
  await clock.advance(periodMs / 3);
  assert.equal(pings.length, before + 1);
  assert.ok(health.healthy);
});

test("after stop there is no ping", async () => {
  const { clock, pings, watchdog } = setUp();
  watchdog.start();
  watchdog.stop();
  await clock.advance(10 * periodMs);
  assert.deepEqual(pings, [0]);
});
