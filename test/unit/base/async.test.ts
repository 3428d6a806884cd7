import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, settlesWithin } from "../../../src/base/async.js";
import { FakeClock } from "../../../src/base/clock.js";

test("settlesWithin tells that a promise is late", async () => {
  const clock = new FakeClock();
  const late = settlesWithin(deferred<void>().promise, 100, clock);
  await clock.advance(100);
  assert.equal(await late, "late");
});

test("settlesWithin takes an error for done", async () => {
  const clock = new FakeClock();
  const failing = deferred<void>();
  const failed = settlesWithin(failing.promise, 100, clock);
  failing.reject(new Error("broken"));
  assert.equal(await failed, "settled");
});
