import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import type { ApiKey, Scope } from "../../../../src/base/api-key.js";
import { type Event, startServer } from "../../../helpers/server.js";

const keyOf = (name: string, scopes: readonly Scope[]): ApiKey => {
  const hash = createHash("sha256").update(name).digest("hex");
  return { id: name, name, hash, scopes, requestsPerMinute: null, concurrentRequests: null };
};

test("the log's warnings are for an owner's key, also on the device itself, and no part of the state", async (t) => {
  const keys = [keyOf("anna", ["generate", "admin"]), keyOf("ben", ["generate"])];
  const warnings = [
    { at: 1_796_147_840_189, level: "warn", text: "refused 10.0.0.7: A: words of a stranger", times: 2 },
  ];
  const config = { "auth.mode": "required" as const };
  const server = await startServer(t, { keys: () => keys, config, warnings });
  const ask = async (path: string, key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(`${server.url}${path}`, { headers });
    return { status: response.status, text: await response.text() };
  };
  assert.equal((await ask("/hearth/v1/warnings")).status, 401);
  assert.equal((await ask("/hearth/v1/warnings", "ben")).status, 403);
  const { data } = JSON.parse((await ask("/hearth/v1/warnings", "anna")).text) as Event;
  assert.deepEqual(data, [
    { logged_at: 1_796_147_840, level: "warn", text: "refused 10.0.0.7: A: words of a stranger", times: 2 },
  ]);
  const state = await ask("/hearth/v1/status");
  assert.equal(state.status, 200);
  assert.ok(!state.text.includes("stranger"));
});
