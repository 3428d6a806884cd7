/** Names that clients send, and what they may make the daemon read or write. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadConfig } from "../../src/config/load.js";
import { puller } from "../../src/daemon/puller.js";
import { checkModelName, checkRepositoryPath, folderOf, parseSource } from "../../src/store/model-names.js";
import { ModelStore } from "../../src/store/model-store.js";
import { FakeEngineModule } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { startSource } from "../helpers/source-server.js";

const hostile = [
  "../../etc/passwd",
  "..",
  ".",
  "/etc/passwd",
  "a/../../b",
  "a/./b",
  "a\\..\\b",
  "a\u0000b",
  "sha256-../../x",
  "a:../b",
  "%2e%2e%2fetc",
  "a\nb",
  "x".repeat(5000),
  "registry.ollama.ai/../../../x",
];

test("path traversal in names and digests: a name is a plain one, or it is refused, on every route", async (t) => {
  for (const name of hostile) {
    assert.throws(
      () => checkModelName(name),
      (error) => error instanceof HearthError && error.code === "MODEL_NAME_INVALID",
      name,
    );
    assert.throws(() => folderOf(name), HearthError);
  }
  for (const name of ["../x", "/x", "a/../b", "a//b", "a\\b", "a/\u0000"])
    assert.throws(() => checkRepositoryPath(name), HearthError, name);
  for (const name of ["spark", "a/b:c", "llama3.2:1b"]) assert.ok(!folderOf(name).includes("/"));

  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, "models"));
  writeFileSync(path.join(folder, "secret.json"), "{}");
  const store = new ModelStore(path.join(folder, "models"), new FakeEngineModule());
  for (const name of [...hostile, "../secret"]) {
    assert.equal(store.find(name), null);
    await assert.rejects(store.remove(name), HearthError, name);
    await assert.rejects(store.begin(name, "0".repeat(16)), HearthError, name);
  }
  assert.deepEqual(readdirSync(folder).sort(), ["models", "secret.json"]);

  const server = await startServer(t);
  for (const name of hostile) {
    for (const [method, route, body] of [
      ["POST", "/api/show", { model: name }],
      ["POST", "/api/copy", { source: "fake", destination: name }],
      ["DELETE", "/api/delete", { model: name }],
      ["POST", "/api/chat", { model: name, messages: [{ role: "user", content: "Hi" }] }],
      ["POST", "/v1/chat/completions", { model: name, messages: [{ role: "user", content: "Hi" }] }],
      ["GET", `/v1/models/${encodeURIComponent(name)}`, null],
      ["GET", `/v1/responses/${encodeURIComponent(name)}`, null],
    ] as const) {
      const response = await fetch(server.url + route, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      assert.ok(
        response.status >= 400 && response.status < 500,
        `${method} ${route} ${name.slice(0, 30)}: ${response.status}`,
      );
      assert.doesNotMatch(await response.text(), /root:/);
    }
  }
});

test("pull: bombs, SSRF, leaked tokens: a client's address is public https, without a password, or nothing is asked of it", async (t) => {
  for (const source of [
    "https://user:password@example.org/m.gguf",
    "file:///etc/passwd",
    "ftp://example.org/m.gguf",
    "https://example.org/m.gguf#sha256=short",
    "hf:../../x",
    "hf:a/b:../../x",
    "hf:a/b/c/d",
    "a:b:c",
    "../x",
    "x\r\nHost: evil.example",
  ]) {
    assert.throws(() => parseSource(source), HearthError, source);
  }
  const inside = await startSource(t);
  const { config } = loadConfig({ env: {}, flags: {} });
  const store = new ModelStore(path.join(temporaryFolder(t), "models"), new FakeEngineModule());
  const server = await startServer(t, { pull: puller(config, {}, store) });
  for (const address of [
    inside.url,
    inside.url.replace("127.0.0.1", "localhost"),
    "http://169.254.169.254",
    "http://[::1]:1",
  ]) {
    const response = await server.post("/api/pull", { model: `${address}/m.gguf`, stream: false });
    assert.ok([400, 403].includes(response.status), `${address}: ${response.status} ${await response.text()}`);
  }
  assert.deepEqual(inside.requests, []);
  assert.deepEqual(store.scan().models, []);
});
