/** Making, naming and removing models by Ollama's API, and how they are told. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hashKey } from "../../src/base/api-key.js";
import { DigestCache } from "../../src/store/digest-cache.js";
import { ModelStore } from "../../src/store/model-store.js";
import { FakeEngineModule, scripted } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { until } from "../helpers/scheduler.js";
import { type Event, startServer, type TestServer } from "../helpers/server.js";

const chatTemplate = "{% for m in messages %}<|turn|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}<|turn|>assistant:";

/** A server whose configured model has a file; the fake engine does not look into it. */
async function startWithFile(t: TestContext) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "fake.gguf");
  writeFileSync(file, "weights");
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("Yes.") }, model: file });
  const json = async (response: Response) => (await response.json()) as Event;
  return {
    ...server,
    file,
    tags: async (): Promise<Event[]> => (await json(await fetch(`${server.url}/api/tags`))).models,
    show: async (model: string) => json(await server.post("/api/show", { model })),
    create: async (body: object) => {
      const response = await server.post("/api/create", { stream: false, ...body });
      return { status: response.status, ...(await json(response)) } as Event;
    },
    remove: async (model: string) =>
      (await fetch(`${server.url}/api/delete`, { method: "DELETE", body: JSON.stringify({ model }) })).status,
  };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const send = (server: TestServer, digest: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/api/blobs/${digest}`, { method: "POST", body, headers });

/** The prompts that an engine read since the last look, as text. */
function prompts(server: TestServer): string {
  const plans = server.module.engines.flatMap((engine) => engine.plans.splice(0));
  const tokens = plans.flatMap(({ chunks }) => chunks.flatMap((chunk) => [...chunk.tokens]));
  return Buffer.from(tokens.filter((token) => token < 256)).toString();
}

test("the digest of a model is its file's SHA-256, in lists and on its own", async (t) => {
  const server = await startWithFile(t);
  const [model] = await server.tags();
  assert.equal(model?.digest, sha256("weights"));
});

const fail = (error: unknown) => assert.fail(String(error));

/** The digest that a daemon gives that starts, is asked once and stops. */
async function digestOf(file: string, kept: string): Promise<string> {
  const digests = new DigestCache(kept, fail);
  const digest = await digests.of(file);
  await digests.stop();
  return digest;
}

test("a hash is computed once for a file, kept over a restart, and anew when the file changes", async (t) => {
  const folder = temporaryFolder(t);
  const [file, kept] = [path.join(folder, "m.gguf"), path.join(folder, "state", "digests.json")];
  writeFileSync(file, "one");
  assert.equal(await digestOf(file, kept), sha256("one"));
  const text = readFileSync(kept, "utf8");
  writeFileSync(kept, text.replace(sha256("one"), sha256("as kept")));
  assert.equal(await digestOf(file, kept), sha256("as kept"), "it was not read again");
  writeFileSync(file, "three");
  assert.equal(await digestOf(file, kept), sha256("three"));
  writeFileSync(kept, "damaged");
  assert.equal(await digestOf(file, kept), sha256("three"));
  assert.match(await digestOf(path.join(folder, "missing"), kept), /^[0-9a-f]{64}$/);
});

test("create makes a name that asks with its own system message, turns, template and parameters", async (t) => {
  const server = await startWithFile(t);
  const made = await server.create({
    model: "mario",
    from: "fake:latest",
    system: "You are Mario.",
    messages: [
      { role: "user", content: "Who?" },
      { role: "assistant", content: "Me." },
    ],
    parameters: { temperature: 0, num_predict: 2, stop: ["x"] },
  });
  assert.deepEqual([made.status, made.error], ["success", undefined]);
  const ask = { model: "mario", stream: false, messages: [{ role: "user", content: "Hi" }] };
  const answer = (await (await server.post("/api/chat", ask)).json()) as Event;
  assert.deepEqual([answer.model, answer.message.content, answer.done_reason], ["mario", "Ye", "length"]);
  assert.match(prompts(server), /system:You are Mario\.user:Who\?assistant:Me\.user:Hiassistant:/);
  const own = [{ role: "system", content: "Other." }, ...ask.messages];
  await server.post("/v1/chat/completions", { model: "mario:latest", messages: own });
  assert.match(prompts(server), /Other\./);
  const other = { model: "shout", from: "mario", template: "{{ messages[-1].content | upper }}!" };
  assert.equal((await server.create(other)).status, "success");
  await server.post("/api/chat", { ...ask, model: "shout", messages: [{ role: "user", content: "loud" }] });
  assert.match(prompts(server), /LOUD!/);
  assert.equal(server.module.engines.length, 1, "all are one loaded model");
});

test("show tells what was set, and lists show the base's size, family and digest", async (t) => {
  const server = await startWithFile(t);
  await server.create({
    model: "mario",
    from: "fake",
    system: "You are Mario.",
    parameters: { top_k: 3, stop: ["a", "b"] },
  });
  const shown = await server.show("Mario");
  assert.equal(shown.system, "You are Mario.");
  assert.deepEqual(
    shown.parameters.split("\n").map((line: string) => line.split(/ +/)),
    [
      ["top_k", "3"],
      ["stop", '"a"'],
      ["stop", '"b"'],
    ],
  );
  assert.equal(shown.template, chatTemplate);
  assert.match(shown.modelfile, /^FROM fake\nSYSTEM """You are Mario\."""\nPARAMETER top_k 3\n/);
  const [own, made] = await server.tags();
  assert.equal(made?.name, "mario:latest");
  assert.equal(made?.details.parent_model, "fake:latest");
  for (const field of ["size", "digest"] as const) assert.equal(made?.[field], own?.[field], field);
  assert.equal(made?.details.family, "fake");
});

test("create streams what it does, and its last line is success", async (t) => {
  const server = await startWithFile(t);
  const text = await (await server.post("/api/create", { model: "a", from: "fake" })).text();
  const statuses = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).status);
  assert.deepEqual(statuses.slice(1), ["writing manifest", "success"]);
  assert.equal(statuses[0], `using existing layer sha256:${sha256("weights")}`);
});

test("create refuses by name what it cannot do", async (t) => {
  const server = await startWithFile(t);
  for (const [body, words] of [
    [{ model: "a" }, /from: is missing/],
    [{ model: "../a", from: "fake" }, /is no model name/],
    [{ model: "fake", from: "fake" }, /There is a model "fake" already/],
    [{ model: "a", from: "fake", template: "{{ .Prompt }}" }, /Go's language/],
    [{ model: "a", from: "fake", template: "{% if %}" }, /cannot be parsed/],
    [{ model: "a", from: "fake", parameters: { warmth: 1 } }, /"warmth" is no parameter/],
    [{ model: "a", from: "fake", parameters: { temperature: 99 } }, /parameters\.temperature/],
    [{ model: "a", from: "fake", adapters: { x: "y" } }, /does not support adapters/],
    [{ model: "a", files: { "a.gguf": `sha256:${"0".repeat(64)}` } }, /was not sent/],
    [{ model: "a", files: { "a.gguf": "../../etc/passwd" } }, /is not sha256:/],
    [{ model: "a", files: { "a.safetensors": `sha256:${"0".repeat(64)}` } }, /other than GGUF/],
  ] as const) {
    const { error } = await server.create(body);
    assert.match(String(error), words, JSON.stringify(body));
  }
  assert.equal((await server.tags()).length, 1);
});

test("a copy is removed on its own, and what others are made of stays until they go", async (t) => {
  const server = await startWithFile(t);
  const blob = `sha256:${sha256("tiny")}`;
  await send(server, blob, "tiny");
  await server.create({ model: "own", files: { "m.gguf": blob } });
  assert.equal((await server.post("/api/copy", { source: "own", destination: "second" })).status, 200);
  assert.equal((await server.post("/api/copy", { source: "FAKE:latest", destination: "third" })).status, 200);
  assert.deepEqual((await server.tags()).map(({ name }) => name).sort(), [
    "fake:latest",
    "own:latest",
    "second:latest",
    "third:latest",
  ]);
  assert.equal(await server.remove("own"), 409);
  assert.equal(await server.remove("second"), 200);
  assert.equal(await server.remove("own:latest"), 200);
  assert.equal((await server.post("/api/copy", { source: "nothing", destination: "x" })).status, 404);
  assert.equal((await server.post("/api/copy", { source: "third", destination: "fake" })).status, 409);
});

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

test("a page cannot send files, and a key without the scope admin neither that nor create", async (t) => {
  const page = await startServer(t);
  const digest = `sha256:${sha256("x")}`;
  assert.equal((await send(page, digest, "x", { origin: page.url })).status, 415);
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

test("x, X and x:latest are one name on every route", async (t) => {
  const server = await startWithFile(t);
  await server.create({ model: "mario", from: "fake" });
  for (const model of ["fake", "FAKE", "fake:latest", "default:latest", "Mario", "mario:LATEST"]) {
    for (const [route, body] of [
      ["/api/chat", { messages: [{ role: "user", content: "Hi" }], stream: false }],
      ["/api/generate", { prompt: "Hi", stream: false }],
      ["/api/embed", { input: "Hi" }],
      ["/api/show", {}],
      ["/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }] }],
      ["/v1/completions", { prompt: "Hi" }],
      ["/v1/embeddings", { input: "Hi" }],
      ["/v1/responses", { input: "Hi" }],
    ] as const) {
      const { status } = await server.post(route, { model, ...body });
      assert.equal(status, 200, `${model} ${route}`);
    }
  }
});

test("a large file has a stand-in while it is read, and small ones do not wait for it", async (t) => {
  const folder = temporaryFolder(t);
  const [large, small] = [path.join(folder, "large"), path.join(folder, "small")];
  writeFileSync(large, "");
  truncateSync(large, 2 ** 32); // a hole, which takes long to read and no room
  writeFileSync(small, "small");
  const digests = new DigestCache(path.join(folder, "digests.json"), fail);
  const first = await digests.of(large);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await digests.of(small), sha256("small"));
  assert.equal(await digests.of(large), first);
  await digests.stop();
  assert.ok(
    !JSON.parse(readFileSync(path.join(folder, "digests.json"), "utf8")).some((each: Event) => each.path === large),
  );
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
