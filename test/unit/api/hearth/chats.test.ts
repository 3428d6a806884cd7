import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import type { ApiKey } from "../../../../src/base/api-key.js";
import { type Event, startServer, type TestServer } from "../../../helpers/server.js";

const id = (digit: number) => `chat_${String(digit).repeat(32)}`;

function keyOf(name: string): ApiKey {
  const hash = createHash("sha256").update(name).digest("hex");
  return { id: name, name, hash, scopes: ["generate"], requestsPerMinute: null, concurrentRequests: null };
}

/** Asks as the owner of a key. */
function clientOf(server: TestServer, key: string | null) {
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${server.url}/hearth/v1/chats${path}`, {
      method,
      headers: {
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Event };
  };
}

test("a chat is kept, listed, changed and deleted by its owner alone", async (t) => {
  const keys = [keyOf("anna"), keyOf("ben")];
  const server = await startServer(t, { keys: () => keys, config: { "auth.mode": "required" } });
  const anna = clientOf(server, "anna");
  const ben = clientOf(server, "ben");
  const content = { nodes: [{ text: "Where is the Kettle?" }] };
  const made = await anna("PUT", `/${id(1)}`, { title: "Kettle", content, revision: 0 });
  assert.equal(made.status, 200);
  assert.equal(made.body.revision, 1);
  await anna("PUT", `/${id(2)}`, { title: "Other", content: {}, revision: 0 });
  const { body: got } = await anna("GET", `/${id(1)}`);
  assert.deepEqual([got.title, got.content, got.object], ["Kettle", content, "chat"]);

  assert.deepEqual((await ben("GET", "")).body.data, []);
  assert.equal((await ben("GET", `/${id(1)}`)).status, 404);
  assert.equal((await ben("PUT", `/${id(1)}`, { title: "Mine", content: {}, revision: 0 })).status, 409);
  assert.equal((await ben("DELETE", `/${id(1)}`)).status, 404);

  const titles = async (query: string) =>
    (await anna("GET", query)).body.data.map((chat: { title: string }) => chat.title);
  assert.deepEqual((await titles("")).sort(), ["Kettle", "Other"]);
  assert.deepEqual(await titles("?search=KETTLE%3F"), ["Kettle"]);
  assert.equal((await anna("DELETE", `/${id(1)}`)).body.deleted, true);
  assert.deepEqual(await titles(""), ["Other"]);
});

test("a change to what somebody else changed meanwhile is refused", async (t) => {
  const ask = clientOf(await startServer(t), null);
  await ask("PUT", `/${id(1)}`, { title: "a", content: {}, revision: 0 });
  assert.equal((await ask("PUT", `/${id(1)}`, { title: "b", content: {}, revision: 1 })).body.revision, 2);
  const late = await ask("PUT", `/${id(1)}`, { title: "c", content: {}, revision: 1 });
  assert.equal(late.status, 409);
  assert.equal(late.body.error.code, "chat_changed");
});

test("a full store refuses and loses nothing, and a server that keeps none has no such route", async (t) => {
  const ask = clientOf(await startServer(t, { config: { "chats.max_bytes": 3000 } }), null);
  const content = { text: "x".repeat(1000) };
  assert.equal((await ask("PUT", `/${id(1)}`, { title: "a", content, revision: 0 })).status, 200);
  assert.equal((await ask("PUT", `/${id(2)}`, { title: "b", content, revision: 0 })).status, 200);
  const full = await ask("PUT", `/${id(3)}`, { title: "c", content, revision: 0 });
  assert.equal(full.status, 507);
  assert.equal((await ask("GET", "")).body.data.length, 2);
  const none = clientOf(await startServer(t, { config: { "chats.max_bytes": 0 } }), null);
  assert.equal((await none("GET", "")).status, 404);
});

test("a chat is on disk when that is confirmed, and one that cannot be written is refused and as it was", async (t) => {
  const server = await startServer(t);
  const ask = clientOf(server, null);
  const folder = path.join(server.stateFolder, "chats");
  const file = path.join(folder, `${id(1)}.json`);
  const put = (title: string, revision: number) => ask("PUT", `/${id(1)}`, { title, content: { title }, revision });
  await put("first", 0);
  assert.match(readFileSync(file, "utf8"), /first/);
  renameSync(folder, `${folder}.away`);
  const failed = await put("second", 1);
  assert.equal(failed.status, 500);
  assert.match(failed.body.error.message, /chat_1+\.json/);
  renameSync(`${folder}.away`, folder);
  assert.equal((await ask("GET", `/${id(1)}`)).body.title, "first");
  assert.equal((await put("second", 1)).body.revision, 2);
  assert.match(readFileSync(file, "utf8"), /second/);
  assert.equal((await ask("DELETE", `/${id(1)}`)).status, 200);
  assert.equal(existsSync(file), false);
});

test("a change that comes while its chat is deleted is refused, and kept as a new chat it stays", async (t) => {
  const ask = clientOf(await startServer(t), null);
  const put = (revision: number) => ask("PUT", `/${id(1)}`, { title: "a", content: {}, revision });
  for (let round = 0; round < 20; round++) {
    assert.equal((await put(0)).status, 200);
    const [gone, late] = await Promise.all([ask("DELETE", `/${id(1)}`), put(1)]);
    assert.equal(gone.status, 200);
    if (late.status === 409) assert.equal((await put(0)).status, 200);
    // Whatever came first: what is confirmed is in the list, and can be deleted.
    const isKept = (await ask("GET", `/${id(1)}`)).status === 200;
    assert.equal((await ask("GET", "")).body.data.length, isKept ? 1 : 0);
    if (isKept) assert.equal((await ask("DELETE", `/${id(1)}`)).status, 200);
  }
});

test("ids of another form are refused", async (t) => {
  const ask = clientOf(await startServer(t), null);
  for (const bad of ["chat_1", "..%2f..%2fkeys", `chat_${"g".repeat(32)}`]) {
    assert.equal((await ask("GET", `/${bad}`)).status, 400, bad);
  }
});
