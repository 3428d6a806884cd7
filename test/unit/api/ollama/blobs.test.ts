import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { hashKey } from "../../../../src/base/api-key.js";
import { ModelStore } from "../../../../src/store/model-store.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { send, sha256, startWithFile } from "../../../helpers/made-models.js";
import { until } from "../../../helpers/scheduler.js";
import { type Event, startServer } from "../../../helpers/server.js";

test("a file is taken in under its hash, made a model of, and is no blob any more", async (t) => {
  const server = await startWithFile(t);
  const digest = `sha256:${sha256("tiny model")}`;
  const head = async () => (await fetch(`${server.url}/api/blobs/${digest}`, { method: "HEAD" })).status;
  assert.equal(await head(), 404);
  assert.equal((await send(server, digest, "tiny model")).status, 201);
  assert.equal(await head(), 200);
  const made = await server.create({ model: "tiny", files: { "m.gguf": digest }, system: "Short." });
  assert.equal(made.status, "success");
  const { folder } = server.store;
  assert.deepEqual(readdirSync(path.join(folder, ".blobs")), []);
  assert.equal(await head(), 200, "the model has it");
  const stored = new ModelStore(folder, new FakeEngineModule()).get("tiny");
  assert.deepEqual([stored.files[0]?.sha256, stored.settings?.system], [sha256("tiny model"), "Short."]);
  assert.equal((await server.create({ model: "again", files: { "m.gguf": digest } })).status, "success");
});

test("a file with another hash, a digest that is none, and too large a file leave nothing", async (t) => {
  const server = await startServer(t, { config: { "models.upload_bytes": 10 } });
  const digest = `sha256:${sha256("x")}`;
  for (const [name, body, status] of [
    [digest, "y", 400],
    ["sha256:..%2f..%2fx", "x", 400],
    [digest.toUpperCase(), "x", 400],
    [digest, "longer than ten", 413],
  ] as const) {
    const response = await send(server, name, body);
    assert.equal(response.status, status, `${name} ${body}`);
    assert.equal(typeof ((await response.json()) as Event).error, "string");
  }
  const chunked = await fetch(`${server.url}/api/blobs/${digest}`, {
    method: "POST",
    body: new Blob(["longer than ten"]).stream(),
    duplex: "half",
  } as RequestInit);
  assert.equal(chunked.status, 413, "also where its length was not told");
  const folder = path.join(server.store.folder, ".blobs");
  assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
});

test("a page cannot send files", async (t) => {
  const page = await startServer(t);
  assert.equal((await send(page, `sha256:${sha256("x")}`, "x", { origin: page.url })).status, 415);
});

test("a key without the scope admin can neither send files nor create models", async (t) => {
  const digest = `sha256:${sha256("x")}`;
  const key = { id: "1", name: "a", hash: hashKey("a"), scopes: ["generate"] as const };
  const keys = () => [{ ...key, requestsPerMinute: null, concurrentRequests: null }];
  const server = await startServer(t, { config: { "auth.mode": "required" }, keys });
  const authorization = "Bearer a";
  assert.equal((await send(server, digest, "x", { authorization })).status, 403);
  assert.equal((await server.post("/api/create", { model: "a", from: "fake" }, { authorization })).status, 403);
  const head = await fetch(`${server.url}/api/blobs/${digest}`, { method: "HEAD", headers: { authorization } });
  assert.equal(head.status, 403);
});

test("a file may take longer to send than a request, as long as something comes", async (t) => {
  const server = await startServer(t, { config: { "limits.request_ms": 300, "limits.idle_ms": 1000 } });
  async function* slow() {
    for (const letter of "slowly") {
      yield Buffer.from(letter);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const answer = await fetch(`${server.url}/api/blobs/sha256:${sha256("slowly")}`, {
    method: "POST",
    body: slow(),
    duplex: "half",
  } as unknown as RequestInit);
  assert.equal(answer.status, 201);
});

test("a client that goes in the middle of a file leaves nothing, and can send it again", async (t) => {
  const server = await startServer(t);
  const digest = `sha256:${sha256("whole")}`;
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`POST /api/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nwho`);
  const folder = path.join(server.store.folder, ".blobs");
  const parts = () => (existsSync(folder) ? readdirSync(folder) : []);
  await until(() => parts().length === 1);
  socket.destroy();
  await until(() => parts().length === 0);
  assert.equal((await send(server, digest, "whole")).status, 201);
});
