import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";
import { listenWhenPossible } from "../../../src/daemon/listening.js";

async function setUp(succeedsAtMs: number, code: ErrorCode = "LISTEN_FAILED", limitMs = 60_000) {
  const clock = new FakeClock();
  const waits: number[] = [];
  const controller = new AbortController();
  const result = listenWhenPossible(
    async () => {
      if (clock.now() < succeedsAtMs) throw new HearthError(code, "Not yet.");
      return clock.now();
    },
    { clock, limitMs, signal: controller.signal, onWait: (_error, waitMs) => waits.push(waitMs) },
  );
  result.catch(() => {});
  await clock.advance(0); // to the first wait
  return { clock, waits, controller, result };
}
const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;

test("an address that comes after 20 s is listened on soon after, with growing waits", async () => {
  const { clock, waits, result } = await setUp(20_000);
  await clock.advance(60_000);
  assert.ok((await result) <= 30_000);
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000]);
});

test("what is possible at once does not wait", async () => {
  const { waits, result } = await setUp(0);
  assert.equal(await result, 0);
  assert.deepEqual(waits, []);
});

test("after the limit the reason is thrown, and never later", async () => {
  const { clock, waits, result } = await setUp(Number.POSITIVE_INFINITY, "LISTEN_FAILED", 10_000);
  await clock.advance(10_000);
  await assert.rejects(result, hasCode("LISTEN_FAILED"));
  assert.equal(
    waits.reduce((sum, each) => sum + each),
    10_000,
  );
});

test("what waiting does not mend is thrown at once", async () => {
  const { waits, result } = await setUp(Number.POSITIVE_INFINITY, "CONFIG_BAD_VALUE");
  await assert.rejects(result, hasCode("CONFIG_BAD_VALUE"));
  assert.deepEqual(waits, []);
});

test("a daemon that is told to stop does not go on waiting", async () => {
  const { clock, controller, result } = await setUp(
    Number.POSITIVE_INFINITY,
    "LISTEN_FAILED",
    Number.POSITIVE_INFINITY,
  );
  await clock.advance(3000);
  controller.abort();
  await assert.rejects(result, hasCode("STOPPED"));
});
