import assert from "node:assert/strict";
import test from "node:test";
import { type ApiKey, hashKey } from "../../../src/base/api-key.js";
import { Authenticator } from "../../../src/net/api-key-auth.js";
import { hasCode, keyOf } from "./access.js";

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

test("a key may do what its scopes say, which for one of the configuration is everything", () => {
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

test("the Unix socket needs no key but where keys are required of all", () => {
  const unix = { ...remote, address: "unix", unixSocket: true };
  assert.equal(authenticator("auto", "0.0.0.0", ["k"]).check(unix, "admin").key, null);
  assert.throws(() => authenticator("required", "0.0.0.0", ["k"]).check(unix, "generate"), hasCode("API_KEY_INVALID"));
});

test("a connection without an address is not the Unix socket's", () => {
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
