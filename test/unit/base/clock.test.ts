import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, systemClock } from "../../../src/base/clock.js";

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

test("a wait of the system clock that is cancelled does nothing", async () => {
  let isCalled = false;
  systemClock.after(1, () => {
    isCalled = true;
  })();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(!isCalled);
});

test("the system clock waits", async () => {
  const started = systemClock.now();
  // The clock's own timers do not keep a process alive; this one stands for the daemon's sockets.
  const alive = setTimeout(() => {}, 1000);
  await new Promise<void>((resolve) => systemClock.after(10, resolve));
  clearTimeout(alive);
  assert.ok(systemClock.now() - started >= 9);
});
