/** Ollama's clients send more than well-formed JSON: bodies without a type, probes, roles and numbers of their own. */
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import test from "node:test";
import { ContextNotice } from "../../../../src/api/ollama/context-notice.js";
import { createLogger } from "../../../../src/base/logger.js";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer, type TestServer } from "../../../helpers/server.js";

const chatTemplate = "{% for m in messages %}<|turn|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}<|turn|>assistant:";
const fake = { chatTemplate, next: scripted("Hello!") };
const body = JSON.stringify({ model: "fake", stream: false, messages: [{ role: "user", content: "Hi" }] });

const send = (server: TestServer, headers: Record<string, string>, text = body, path = "/api/chat") =>
  fetch(`${server.url}${path}`, { method: "POST", headers, body: Buffer.from(text) });

test("a body without a type, or of curl's, is read as JSON on Ollama's routes alone", async (t) => {
  const server = await startServer(t, { fake });
  for (const type of [null, "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"]) {
    const headers: Record<string, string> = type === null ? {} : { "content-type": type };
    assert.equal((await send(server, headers)).status, 200, String(type));
    assert.equal((await send(server, headers, "{")).status, 400, "and has to be JSON");
  }
  const chat = await send(server, { "content-type": "text/plain" }, body, "/v1/chat/completions");
  assert.equal(chat.status, 415);
});

test("a page has to say that it sends JSON: what a browser marks is not taken without a type", async (t) => {
  const server = await startServer(t, { fake });
  const own = { origin: server.url };
  for (const marked of [own, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }] as Record<
    string,
    string
  >[]) {
    assert.equal((await send(server, { ...marked, "content-type": "text/plain" })).status, 415, JSON.stringify(marked));
    assert.equal((await send(server, marked)).status, 415, JSON.stringify(marked));
    assert.equal((await send(server, { ...marked, "content-type": "application/json" })).status, 200);
  }
  for (const origin of ["null", "http://evil.example"]) {
    assert.equal((await send(server, { origin, "content-type": "text/plain" })).status, 403, origin);
  }
});

test("a body without a type has no way round the limits of JSON", async (t) => {
  const server = await startServer(t, { fake, config: { "limits.message_bytes": 1024 } });
  assert.equal((await send(server, {}, `{"model":"${"x".repeat(2000)}"}`)).status, 413);
  // A key that would change prototypes is left out, as from a body that says it is JSON: without it this answer streams.
  const poisoned = await send(
    server,
    {},
    '{"model":"fake","messages":[{"role":"user","content":"Hi"}],"__proto__":{"stream":false}}',
  );
  assert.equal(poisoned.status, 200);
  assert.equal(poisoned.headers.get("content-type"), "application/x-ndjson");
  assert.equal((await send(server, {}, "")).status, 400);
});

test("GET and HEAD / say what this is, without a key", async (t) => {
  const config = { "auth.mode": "required" as const, "auth.keys": ["0".repeat(64)] };
  const server = await startServer(t, { fake, config });
  const answer = await fetch(server.url);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "hearth is running");
  assert.equal((await fetch(server.url, { method: "HEAD" })).status, 200);
  assert.equal((await fetch(`${server.url}/api/tags`)).status, 401);
  assert.equal((await fetch(server.url, { headers: { origin: "http://evil.example" } })).status, 403);
});

test("every error below /api is one string, also of routes that are not there", async (t) => {
  const server = await startServer(t, { fake });
  for (const [method, path, status] of [
    ["GET", "/api/nothing", 404],
    ["POST", "/api/nothing", 404],
    ["DELETE", "/api/chat", 405],
    ["GET", "/api/", 404],
    ["GET", "/api/blobs/x", 405],
    ["POST", "/api/push", 404],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { method });
    assert.equal(response.status, status, `${method} ${path}`);
    assert.equal(typeof ((await response.json()) as Event).error, "string", `${method} ${path}`);
  }
  const encoded = await fetch(`${server.url}/api/chat`, {
    method: "POST",
    headers: { "content-encoding": "gzip" },
    body,
  });
  assert.equal(typeof ((await encoded.json()) as Event).error, "string");
  const refused = await fetch(`${server.url}/api/tags`, { headers: { origin: "http://evil.example" } });
  assert.equal(typeof ((await refused.json()) as Event).error, "string");
});

test("roles are taken in any case, and unknown ones are the template's", async (t) => {
  const server = await startServer(t, { fake });
  const messages = [
    { role: "SYSTEM", content: "Brief." },
    { role: "control", content: "thinking" },
    { role: "User", content: "Hi" },
  ];
  assert.equal((await server.post("/api/chat", { model: "fake", stream: false, messages })).status, 200);
  const tokens = server.module.engines[0]?.plans.flatMap(({ chunks }) => chunks.flatMap((chunk) => [...chunk.tokens]));
  const prompt = Buffer.from((tokens ?? []).filter((token) => token < 256)).toString();
  assert.match(prompt, /^system:Brief\.control:thinkinguser:Hiassistant:/);
  for (const role of ["", "a b", "<|end|>", "x".repeat(65)]) {
    const answer = await server.post("/api/chat", { model: "fake", messages: [{ role, content: "x" }] });
    assert.equal(answer.status, 400, role);
  }
});

test("-1 is no seed, no limit and no top_k, on Ollama's routes and OpenAI's", async (t) => {
  const server = await startServer(t, { fake });
  const messages = [{ role: "user", content: "Hi" }];
  const options = { seed: -1, num_predict: -1, top_k: -1 };
  const asked = await server.post("/api/chat", { model: "fake", stream: false, messages, options });
  assert.equal(((await asked.json()) as Event).message.content, "Hello!");
  const numbers = { seed: -1, max_tokens: -1, top_k: -1 };
  const chat = await server.post("/v1/chat/completions", { model: "fake", messages, ...numbers });
  assert.equal(((await chat.json()) as Event).choices[0].message.content, "Hello!");
  const text = await server.post("/v1/completions", { model: "fake", prompt: "Hi", ...numbers });
  assert.equal(((await text.json()) as Event).choices[0].text, "Hello!");
  const none = await server.post("/v1/chat/completions", { model: "fake", messages, max_tokens: 0 });
  assert.equal(((await none.json()) as Event).error.param, "max_tokens");
});

test("a client that counts on a longer context than the model has is logged once, with that context and whose limit it is", () => {
  const logged: Event[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const notice = new ContextNotice(createLogger({ level: "warn", prompts: false }, sink));
  const small = { contextTokens: 2048, mostTokens: 2048 };
  notice.check("small", 4096, small);
  notice.check("small", 4096, small);
  notice.check("large", 4096, { contextTokens: 8192, mostTokens: 32_768 });
  notice.check("small", 8192, small);
  notice.check("large", 16_384, { contextTokens: 8192, mostTokens: 32_768 });
  assert.deepEqual(
    logged.map(({ model, numCtx, contextTokens }) => [model, numCtx, contextTokens]),
    [
      ["small", 4096, 2048],
      ["small", 8192, 2048],
      ["large", 16_384, 8192],
    ],
  );
  assert.match(logged[0]?.msg, /small can have no more than 2048$/);
  assert.match(logged[2]?.msg, /context\.tokens allows 8192 of the 32768 that large can have$/);
});
