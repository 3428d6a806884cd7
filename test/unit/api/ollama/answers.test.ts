/** Ollama's API on the fake engine: forms, orders and numbers that real clients may not notice. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { hashKey } from "../../../../src/base/api-key.js";
import { FakeClock } from "../../../../src/base/clock.js";
import { HearthError } from "../../../../src/base/errors.js";
import { scripted } from "../../../fake-engine/module.js";
import { until } from "../../../helpers/scheduler.js";
import { type Event, startServer, type TestServer } from "../../../helpers/server.js";

const chatTemplate =
  "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}<|turn|>assistant\n";
const fake = { chatTemplate, next: scripted("Hello!") };
const ask = { model: "fake", messages: [{ role: "user", content: "Hi" }] };

const json = async (response: Response): Promise<Event> => (await response.json()) as Event;
async function lines(response: Response): Promise<Event[]> {
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  const text = await response.text();
  assert.ok(text.endsWith("\n"));
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
const remove = (server: TestServer, model: string) =>
  fetch(`${server.url}/api/delete`, {
    method: "DELETE",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model }),
  });

test("chat streams by default: content in pieces, and a last line with reason, counts and nanoseconds", async (t) => {
  const server = await startServer(t, { fake });
  const chunks = await lines(await server.post("/api/chat", ask));
  assert.equal(chunks.map(({ message }) => message.content).join(""), "Hello!");
  for (const chunk of chunks) {
    assert.equal(chunk.model, "fake");
    assert.equal(chunk.message.role, "assistant");
    assert.ok(!Number.isNaN(Date.parse(chunk.created_at)));
  }
  assert.deepEqual(
    chunks.map(({ done }) => done),
    [...chunks.slice(1).map(() => false), true],
  );
  const last = chunks.at(-1);
  assert.equal(last?.done_reason, "stop");
  assert.equal(last?.eval_count, 6);
  const fields = ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_duration"];
  for (const field of fields) assert.ok(Number.isInteger(last?.[field]), field);
  assert.equal(last?.total_duration, last?.load_duration + last?.prompt_eval_duration + last?.eval_duration);
});

test("a stream with nothing to say yet keeps its client waiting by chunks that add nothing", async (t) => {
  const clock = new FakeClock();
  const server = await startServer(t, { fake: { ...fake, manual: true }, clock });
  const asked = server.post("/api/chat", ask);
  const [engine] = server.module.engines;
  assert.ok(engine);
  await until(() => engine.held);
  await clock.advance(16_000);
  const answer = await asked; // headers came, though no step has ended
  const read = lines(answer);
  let isRead = false;
  void read.finally(() => {
    isRead = true;
  });
  while (!isRead) {
    if (engine.held) await engine.release();
    await new Promise(setImmediate);
  }
  const chunks = await read;
  assert.deepEqual(chunks[0]?.message, { role: "assistant", content: "" });
  assert.equal(chunks[0]?.done, false);
  assert.equal(chunks.map(({ message }) => message.content).join(""), "Hello!");
});

test("generate, whole or in lines, raw or through the template, with a system message", async (t) => {
  const server = await startServer(t, { fake });
  const post = async (more: object) =>
    json(await server.post("/api/generate", { model: "fake:latest", prompt: "Hi", stream: false, ...more }));
  const whole = await post({});
  assert.equal(whole.response, "Hello!");
  assert.equal(whole.done, true);
  assert.equal((await post({ raw: true })).prompt_eval_count, 3);
  assert.ok((await post({ system: "Be kind." })).prompt_eval_count > whole.prompt_eval_count);
  assert.equal((await post({ options: { num_predict: 2 } })).response, "He");
  assert.equal((await post({ options: { num_predict: 2 } })).done_reason, "length");
  assert.equal((await post({ options: { stop: ["lo"] } })).response, "Hel");
  assert.equal((await post({ options: { unknown_option: 7, num_ctx: 8192 } })).response, "Hello!");
  const streamed = await lines(await server.post("/api/generate", { model: "fake", prompt: "Hi" }));
  assert.equal(streamed.map(({ response }) => response).join(""), "Hello!");
});

test("without messages or prompt the model is only looked for", async (t) => {
  const server = await startServer(t, { fake });
  for (const path of ["chat", "generate"]) {
    const answer = await json(await server.post(`/api/${path}`, { model: "fake", keep_alive: "5m" }));
    assert.equal(answer.done_reason, "load");
    assert.equal((await server.post(`/api/${path}`, { model: "other" })).status, 404);
  }
});

test("keep_alive takes what Ollama's clients send, and nothing else", async (t) => {
  const server = await startServer(t, { fake });
  for (const value of [-1, 0, 300, "-1", "300s", "5m", "1h30m", "-1m", "1.5h"]) {
    assert.equal(
      (await server.post("/api/chat", { ...ask, stream: false, keep_alive: value })).status,
      200,
      `${value}`,
    );
  }
  for (const value of ["soon", "5 m", {}, "1x"]) {
    assert.equal((await server.post("/api/chat", { ...ask, keep_alive: value })).status, 400, JSON.stringify(value));
  }
});

test("keep_alive 0 without messages lets a model go", async (t) => {
  const server = await startServer(t, { fake });
  const answer = await json(await server.post("/api/generate", { model: "fake", keep_alive: 0 }));
  assert.equal(answer.done_reason, "unload");
  assert.equal((await json(await fetch(`${server.url}/api/ps`))).models.length, 1, "the configured one stays");
});

test("tags, ps, show and version describe what there is", async (t) => {
  const server = await startServer(t, { fake });
  const get = async (path: string) => json(await fetch(`${server.url}${path}`));
  const [model] = (await get("/api/tags")).models;
  assert.equal(model.name, "fake:latest");
  assert.deepEqual(Object.keys(model.details).sort(), [
    "families",
    "family",
    "format",
    "parameter_size",
    "parent_model",
    "quantization_level",
  ]);
  const [running] = (await get("/api/ps")).models;
  assert.equal(running.context_length, 4096);
  assert.ok(Date.parse(running.expires_at) > Date.now());
  const shown = await json(await server.post("/api/show", { name: "fake" }));
  assert.equal(shown.model_info["general.architecture"], "fake");
  assert.equal(shown.model_info["fake.context_length"], 4096);
  assert.deepEqual(shown.capabilities, ["completion"]);
  assert.match((await get("/api/version")).version, /^\d+\.\d+\.\d+$/);
});

test("embed and the older embeddings give vectors of length 1", async (t) => {
  const server = await startServer(t);
  const many = await json(await server.post("/api/embed", { model: "fake", input: ["aa", "b"] }));
  assert.equal(many.embeddings.length, 2);
  assert.equal(many.prompt_eval_count, 5);
  const one = await json(await server.post("/api/embeddings", { model: "fake", prompt: "aa" }));
  assert.deepEqual(one.embedding, many.embeddings[0]);
  assert.ok(Math.abs(Math.hypot(...one.embedding) - 1) < 1e-5);
});

/** A server whose models come in two steps, unless they are called `missing`. */
const startPulling = (t: TestContext) =>
  startServer(t, {
    pull: async (source, onProgress) => {
      onProgress({ phase: "resolve", completed: 0, total: 0 });
      onProgress({ phase: "download", completed: 5, total: 10 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (source === "missing") throw new HearthError("MODEL_NOT_FOUND", "The library has no such model.");
      onProgress({ phase: "verify", completed: 10, total: 10 });
    },
  });

test("pull tells its progress in lines", async (t) => {
  const server = await startPulling(t);
  const pulled = await lines(await server.post("/api/pull", { model: "smollm2" }));
  assert.equal(pulled[0]?.status, "pulling manifest");
  assert.ok(pulled.some(({ total, completed }) => total === 10 && completed === 5));
  assert.equal(pulled.at(-1)?.status, "success");
});

test("a pull that fails says why in its last line", async (t) => {
  const server = await startPulling(t);
  const failed = await lines(await server.post("/api/pull", { model: "missing" }));
  assert.match(failed.at(-1)?.error, /The library has no such model/);
});

test("a pull of a model that is there is done at once", async (t) => {
  const server = await startPulling(t);
  assert.deepEqual(await json(await server.post("/api/pull", { model: "fake", stream: false })), { status: "success" });
});

test("errors are one string, with the status", async (t) => {
  const server = await startServer(t, { fake });
  for (const [path, body, status, words] of [
    ["chat", { model: "nothing", messages: ask.messages }, 404, /nothing/],
    ["chat", { messages: ask.messages }, 400, /model/],
    ["chat", { ...ask, options: { temperature: 99 } }, 400, /options\.temperature/],
    ["chat", { ...ask, messages: [{ role: "user", content: "x", images: ["aGk="] }] }, 400, /images/],
    ["generate", { model: "fake", prompt: "x", suffix: "y" }, 400, /inserting/],
    ["generate", { model: "fake", prompt: "x", format: "yaml" }, 400, /format/],
    ["show", {}, 400, /model/],
    ["pull", { model: "x", insecure: true }, 400, /verified/],
    ["copy", { source: "nothing", destination: "x" }, 404, /nothing/],
  ] as const) {
    const response = await server.post(`/api/${path}`, body);
    const { error } = await json(response);
    assert.equal(response.status, status, `${path} ${error}`);
    assert.match(error, words);
  }
  assert.equal((await remove(server, "nothing")).status, 404);
  const response = await server.post("/api/chat", "{");
  assert.equal(typeof (await json(response)).error, "string");
});

test("what changes models needs a key with the scope admin", async (t) => {
  const config = { "auth.mode": "required" as const };
  const key = {
    id: "1",
    name: "a",
    hash: hashKey("a"),
    scopes: ["generate"] as const,
    requestsPerMinute: null,
    concurrentRequests: null,
  };
  const server = await startServer(t, { fake, config, keys: () => [key] });
  const headers = { authorization: "Bearer a" };
  assert.equal((await server.post("/api/chat", ask, headers)).status, 200);
  for (const path of ["pull", "copy"]) assert.equal((await server.post(`/api/${path}`, {}, headers)).status, 403, path);
  const refused = await server.post("/api/chat", ask);
  assert.equal(refused.status, 401);
  assert.equal(typeof (await json(refused)).error, "string");
});
