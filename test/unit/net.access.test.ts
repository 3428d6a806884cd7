import assert from "node:assert/strict";
import test from "node:test";
import { type ApiKey, hashKey, type Scope } from "../../src/base/api-key.js";
import { FakeClock } from "../../src/base/clock.js";
import { type ErrorCode, HearthError } from "../../src/base/errors.js";
import { Authenticator, type Client } from "../../src/net/api-key-auth.js";
import { AccessRules, isLoopback } from "../../src/net/host-and-origin.js";
import { RateLimits } from "../../src/net/rate-limits.js";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;
const rules = new AccessRules({
  names: ["kitchen-pi", "hearth.example.org"],
  addresses: () => ["203.0.113.7", "2001:db8::7"],
  origins: ["http://kiosk.lan:8080"],
});

const allowedHosts = [
  "localhost",
  "localhost:11434",
  "app.localhost:1",
  "kitchen-pi",
  "KITCHEN-PI:11434",
  "kitchen-pi.local",
  "other.local:80",
  "hearth.example.org",
  "127.0.0.1:11434",
  "127.9.9.9",
  "10.1.2.3",
  "172.16.0.1",
  "192.168.178.20:11434",
  "169.254.1.1",
  "100.100.1.1",
  "[::1]:11434",
  "[fd00::1]",
  "[fe80::1]:80",
  "203.0.113.7:11434",
  "[2001:db8::7]",
];
const refusedHosts = [
  undefined,
  "",
  "evil.example",
  "kitchen-pi.evil.example",
  "evil.example:11434",
  "local",
  "8.8.8.8",
  "172.32.0.1",
  "192.169.0.1",
  "[2001:db8::1]",
  "0.0.0.0:11434",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "user@localhost",
  "localhost:999999",
  "localhost/path",
  "a b",
  "[::1",
];

test("DNS rebinding: Host names this device or the local network, or the request is refused", () => {
  for (const host of allowedHosts) assert.equal(rules.allowsHost(host), true, host);
  for (const host of refusedHosts) assert.equal(rules.allowsHost(host), false, String(host));
});

test("cross-site requests: only the own and configured origins pass", () => {
  const host = "kitchen-pi.local:11434";
  assert.equal(rules.allowsOrigin(undefined, host), true, "a program");
  assert.equal(rules.allowsOrigin("http://kitchen-pi.local:11434", host), true);
  assert.equal(rules.allowsOrigin("https://kitchen-pi.local", "kitchen-pi.local"), true, "behind a TLS proxy");
  assert.equal(rules.allowsOrigin("http://kiosk.lan:8080", host), true);
  for (const origin of [
    "null",
    "http://evil.example",
    "http://kitchen-pi.local",
    "http://kitchen-pi.local:11434.evil.example",
    "http://kiosk.lan",
    "file://kitchen-pi.local:11434",
    "http://localhost:11434",
    "",
  ]) {
    assert.equal(rules.allowsOrigin(origin, host), false, origin);
  }
});

test("loopback is loopback in all its spellings", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "::ffff:127.0.0.1"])
    assert.ok(isLoopback(host), host);
  for (const host of ["0.0.0.0", "::", "192.168.0.1", "127.evil.example"]) assert.ok(!isLoopback(host), host);
});

const keyOf = (key: string, scopes: readonly Scope[] = ["generate"]): ApiKey => ({
  id: `id-${key}`,
  name: key,
  hash: hashKey(key),
  scopes,
  requestsPerMinute: null,
  concurrentRequests: null,
});
const authenticator = (mode: "auto" | "required" | "off", host: string, configured: string[], stored: ApiKey[] = []) =>
  new Authenticator(
    { "auth.mode": mode, "auth.keys": configured.map(hashKey), "server.listen": { host, port: 1 } },
    () => stored,
  );
const remote = { authorization: undefined, protocols: undefined, address: "192.168.0.9", unixSocket: false };
const bearer = (authorization: string | undefined) => ({ ...remote, authorization });

test("no authentication on a LAN: without a key the daemon does not start there, unless it is told to", () => {
  assert.throws(() => authenticator("auto", "0.0.0.0", []), hasCode("CONFIG_BAD_VALUE"));
  assert.throws(() => authenticator("auto", "192.168.0.5", []), hasCode("CONFIG_BAD_VALUE"));
  assert.throws(() => authenticator("required", "127.0.0.1", []), hasCode("CONFIG_BAD_VALUE"));
  assert.equal(authenticator("off", "0.0.0.0", []).required, false);
  assert.equal(authenticator("auto", "127.0.0.1", []).required, false);
  assert.equal(authenticator("auto", "0.0.0.0", ["k"]).required, true);
  assert.equal(authenticator("auto", "0.0.0.0", [], [keyOf("k")]).required, true);
});

test("a key is needed where keys are, and only the known ones pass", () => {
  const keys = authenticator("auto", "0.0.0.0", ["first"], [keyOf("second")]);
  keys.check(bearer("Bearer first"), "generate");
  assert.equal(keys.check(bearer("bearer  second"), "generate").id, "id-second");
  for (const header of [
    undefined,
    "",
    "first",
    "Bearer",
    "Bearer ",
    "Bearer third",
    "Basic first",
    "Bearer first second",
    `Bearer ${hashKey("first")}`,
  ]) {
    assert.throws(() => keys.check(bearer(header), "generate"), hasCode("API_KEY_INVALID"), String(header));
  }
  authenticator("auto", "127.0.0.1", ["first"]).check(bearer("Bearer anything"), "generate"); // clients send one always
});

test("a key may do what its scopes say; one of the configuration may do everything", () => {
  const stored = [keyOf("asks"), keyOf("manages", ["admin"]), keyOf("both", ["generate", "admin"])];
  const keys = authenticator("required", "127.0.0.1", ["owner"], stored);
  for (const [key, generate, admin] of [
    ["asks", true, false],
    ["manages", false, true],
    ["both", true, true],
    ["owner", true, true],
  ] as const) {
    for (const [scope, allowed] of [
      ["generate", generate],
      ["admin", admin],
    ] as const) {
      const check = () => keys.check(bearer(`Bearer ${key}`), scope);
      if (allowed) check();
      else assert.throws(check, hasCode("KEY_SCOPE_MISSING"), `${key} ${scope}`);
    }
  }
});

test("a revoked key is refused from the next request on", () => {
  const stored = [keyOf("a"), keyOf("b")];
  const keys = authenticator("required", "127.0.0.1", [], stored);
  keys.check(bearer("Bearer a"), "generate");
  stored.shift();
  assert.throws(() => keys.check(bearer("Bearer a"), "generate"), hasCode("API_KEY_INVALID"));
  keys.check(bearer("Bearer b"), "generate");
});

test("the Unix socket needs no key but where keys are required of all; a connection without an address is not it", () => {
  const unix = { ...remote, address: "unix", unixSocket: true };
  assert.equal(authenticator("auto", "0.0.0.0", ["k"]).check(unix, "admin").key, null);
  assert.throws(() => authenticator("required", "0.0.0.0", ["k"]).check(unix, "generate"), hasCode("API_KEY_INVALID"));
  assert.throws(
    () => authenticator("auto", "0.0.0.0", ["k"]).check({ ...remote, address: "" }, "generate"),
    hasCode("API_KEY_INVALID"),
  );
});

test("a browser's WebSocket carries the key as a subprotocol", () => {
  const keys = authenticator("required", "127.0.0.1", [], [keyOf("hearth_a-b")]);
  const offered = (protocols: string) => ({ ...remote, protocols });
  assert.equal(keys.check(offered("realtime, openai-insecure-api-key.hearth_a-b"), "generate").key?.name, "hearth_a-b");
  for (const protocols of ["hearth_a-b", "openai-insecure-api-key.", "realtime, openai-insecure-api-key.other"]) {
    assert.throws(() => keys.check(offered(protocols), "generate"), hasCode("API_KEY_INVALID"), protocols);
  }
});

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

test("a key's own limits come before the configuration's; programs of this device without a key have none", () => {
  const rateLimits = new RateLimits(new FakeClock(), 1);
  for (let i = 0; i < 3; i++) rateLimits.admit(client("a", { requestsPerMinute: 3 }));
  assert.throws(() => rateLimits.admit(client("a", { requestsPerMinute: 3 })), limited(20));
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
