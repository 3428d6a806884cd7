import assert from "node:assert/strict";
import test from "node:test";
import type { Event } from "../../helpers/server.js";
import { configured } from "../../helpers/upstream-servers.js";

test("entries that are wrong are named, without their keys", () => {
  const failure = (entry: Event) => {
    try {
      configured([entry]);
    } catch (error) {
      return String(error);
    }
    return assert.fail("it was accepted");
  };
  const secret = "sk-secret";
  assert.match(failure({ name: "a", api_key: secret }), /upstream\[0\]\.url/);
  assert.match(failure({ name: "a", url: "ftp://x", api_key: secret }), /upstream\[0\]\.url: expected an http/);
  assert.match(failure({ name: "a", url: "http://user:pw@x/v1" }), /without a password/);
  assert.match(
    failure({ name: "a", url: "http://x", modles: [], api_key: secret }),
    /modles; the nearest known is models/,
  );
  assert.ok(!failure({ name: "a", url: 7, api_key: secret }).includes(secret));
  assert.ok(!failure({ name: "a", url: "http://x", api_key: `${secret}\n` }).includes(secret));
});
