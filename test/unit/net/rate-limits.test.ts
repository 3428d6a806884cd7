import assert from "node:assert/strict";
import test from "node:test";
import type { ApiKey } from "../../../src/base/api-key.js";
import { FakeClock } from "../../../src/base/clock.js";
import type { HearthError } from "../../../src/base/errors.js";
import type { Client } from "../../../src/net/api-key-auth.js";
import { RateLimits } from "../../../src/net/rate-limits.js";
import { hasCode, keyOf } from "./access.js";

const client = (id: string, limits: Partial<ApiKey> = {}, local = false): Client => ({
  id,
  key: { ...keyOf(id), ...limits },
  local,
});

const limited = (seconds: number | null) => (error: unknown) =>
  hasCode("RATE_LIMITED")(error) && (error as HearthError).retryAfterSeconds === seconds;

test("a client has its requests a minute, at once or one by one, and is told when the next one may come", async () => {
  const clock = new FakeClock();
  const rateLimits = new RateLimits(clock, 6);
  for (let i = 0; i < 6; i++) rateLimits.admit(client("a"));
  assert.throws(() => rateLimits.admit(client("a")), limited(10));
  rateLimits.admit(client("b")); // has its own
  await clock.advance(4_000);
  assert.throws(() => rateLimits.admit(client("a")), limited(6));
  await clock.advance(6_000);
  rateLimits.admit(client("a"));
  assert.throws(() => rateLimits.admit(client("a")), limited(10));
  await clock.advance(600_000);
  for (let i = 0; i < 6; i++) rateLimits.admit(client("a")); // and never more than a minute's
  assert.throws(() => rateLimits.admit(client("a")), limited(10));
});

test("a key's own limits come before the configuration's", () => {
  const rateLimits = new RateLimits(new FakeClock(), 1);
  for (let i = 0; i < 3; i++) rateLimits.admit(client("a", { requestsPerMinute: 3 }));
  assert.throws(() => rateLimits.admit(client("a", { requestsPerMinute: 3 })), limited(20));
});

test("programs of this device without a key have no limits", () => {
  const rateLimits = new RateLimits(new FakeClock(), 1);
  for (let i = 0; i < 100; i++) rateLimits.admit({ id: "127.0.0.1", key: null, local: true });
  rateLimits.admit({ id: "192.168.0.9", key: null, local: false });
  assert.throws(() => rateLimits.admit({ id: "192.168.0.9", key: null, local: false }), limited(60));
});

test("requests at the same time are counted until they end, once", () => {
  const rateLimits = new RateLimits(new FakeClock(), 0);
  const two = client("a", { concurrentRequests: 2 });
  const release = rateLimits.admit(two);
  rateLimits.admit(two);
  assert.throws(() => rateLimits.admit(two), limited(null));
  release();
  release();
  rateLimits.admit(two);
  assert.throws(() => rateLimits.admit(two), limited(null));
});

test("what is remembered of clients is bounded", () => {
  const rateLimits = new RateLimits(new FakeClock(), 5);
  for (let i = 0; i < 5000; i++) rateLimits.admit({ id: `2001:db8::${i}`, key: null, local: false })();
  assert.ok(rateLimits.size <= 1024, `${rateLimits.size}`);
});
