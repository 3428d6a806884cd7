/** Requests whose contents were made to do harm. */
import assert from "node:assert/strict";
import http from "node:http";
import test from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { SamplerOptions } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { startDaemon } from "../helpers/daemon.js";
import { spark } from "../helpers/home.js";
import { startServer } from "../helpers/server.js";
import { missing, shared } from "../helpers/shared.js";

const story = "models/stories260K.gguf";

test("bad numbers in requests: a schema has a range for every field", async (t) => {
  const server = await startServer(t);
  const fields = [
    ...["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty"],
    ...["max_output_tokens", "seed", "max_tool_calls", "top_logprobs"],
  ];
  for (const field of fields) {
    for (const value of [
      "-1e308",
      "1e308",
      "-1e999",
      "1e999",
      "-2147483649",
      "18446744073709551616",
      '"1"',
      "NaN",
      "{}",
    ]) {
      const answer = await server.post(
        "/v1/responses",
        `{"model":"default","input":"Hi","max_output_tokens":1,"${field}":${value}}`,
      );
      assert.equal(answer.status, 400, `${field}: ${value}`);
    }
  }
});

test("bad numbers in requests: the engine checks again", { skip: missing(story) }, async (t) => {
  const module = loadEngineModule();
  const model = await module.loadModel(shared(story), { vocabularyOnly: false });
  const engine = await module.createEngine(model, {
    threads: 1,
    decodeThreads: 0,
    maxSequences: 2,
    contextTokens: 64,
    kvTokens: 0,
    maxBatchTokens: 32,
    isa: "",
  });
  t.after(() => engine.close());
  const fields = Object.keys(greedySampler).filter((name) => name !== "logitBias") as (keyof SamplerOptions)[];
  const refused = { penaltyLastN: [-2, 2 ** 40], seed: [-1, 2 ** 60], topK: [-1, 2 ** 40] } as Record<string, number[]>;
  for (const field of fields) {
    for (const value of refused[field] ?? [-3, 1e30]) {
      assert.throws(() => engine.openSequence({ ...greedySampler, [field]: value }), /./, `${field} ${value}`);
    }
    assert.throws(() => engine.openSequence({ ...greedySampler, [field]: Number.NaN }), /./, `${field} NaN`);
  }
  for (const bias of [
    [-1, 0],
    [512, 0],
    [2 ** 40, 0],
    [1, Number.NaN],
    [1, 1e30],
  ] as [number, number][]) {
    assert.throws(() => engine.openSequence({ ...greedySampler, logitBias: [bias] }), /./, `bias ${bias}`);
  }
  const sequence = engine.openSequence(greedySampler);
  for (const tokens of [[-1], [512], [2 ** 31 - 1], [], Array.from({ length: 33 }, () => 1)]) {
    const chunks = [{ sequence, tokens: Int32Array.from(tokens), sample: true }];
    await assert.rejects(engine.step({ chunks }), /./, `tokens ${tokens.slice(0, 3)}`);
  }
  for (const other of [-1, sequence + 1, 2 ** 31, 0.5, Number.NaN]) {
    await assert.rejects(async () =>
      engine.step({ chunks: [{ sequence: other, tokens: Int32Array.of(1), sample: true }] }),
    );
    assert.throws(() => engine.truncateSequence(other, 0), /./, `sequence ${other}`);
  }
  const result = await stepAlone(engine, { sequence, tokens: Int32Array.of(1), sample: true });
  assert.equal(result.tokens.length, 1);
});

test("grammar and schema blow-up: what is too large or too ambiguous is refused in time, and others are served", async (t) => {
  const daemon = await startDaemon(t, { model: spark });
  await daemon.logged("the model is ready");
  const nested = (depth: number): object =>
    depth === 0 ? {} : { type: "object", properties: { a: nested(depth - 1) } };
  const text = (keywords: object) => ({
    type: "object",
    properties: { a: { type: "string", ...keywords } },
    required: ["a"],
  });
  const recursive = { $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] } }, $ref: "#/$defs/a" };
  const schemas: Record<string, object> = {
    "nested deeply": nested(150),
    "nested beyond measure": nested(1500),
    "an enumeration of 20000": text({ enum: Array.from({ length: 20_000 }, (_, i) => `value ${i}`) }),
    "a pattern that backtracks": text({ pattern: "^(a+)+$" }),
    "a pattern that repeats much": text({ pattern: "^((a{1,1000}){1,1000}){1,1000}$" }),
    "a long string": text({ minLength: 1_000_000_000, maxLength: 2_000_000_000 }),
    "many items": { type: "array", items: {}, minItems: 1_000_000_000 },
    "a number beyond all": { type: "object", properties: { a: { type: "number", minimum: 1e300 } }, required: ["a"] },
    "a reference to itself": recursive,
    "alternatives of alternatives": {
      anyOf: Array.from({ length: 60 }, () => ({ anyOf: Array.from({ length: 60 }, () => text({})) })),
    },
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const started = performance.now();
    const response = await fetch(`${daemon.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "default",
        messages: [{ role: "user", content: "Hi" }],
        max_tokens: 4,
        response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } },
      }),
    });
    const body = await response.text();
    assert.ok(response.status < 500, `${name}: ${response.status} ${body.slice(0, 200)}`);
    assert.ok(performance.now() - started < 20_000, `${name}: ${Math.round(performance.now() - started)} ms`);
    assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
  }
  // Each of these tools is harmless; all of them together are too much.
  const choices = (n: number) => ({
    anyOf: Array.from({ length: 16 }, (_, i) => ({ properties: { [`p${n}_${i}`]: {} } })),
  });
  const parameters = { type: "object", allOf: [choices(1), choices(2)] };
  const tools = Array.from({ length: 200 }, (_, i) => ({
    type: "function",
    function: { name: `f${i}`, parameters: { ...parameters, title: `${i}` } },
  }));
  const started = performance.now();
  const response = await fetch(`${daemon.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", messages: [{ role: "user", content: "Hi" }], max_tokens: 4, tools }),
  });
  assert.equal(response.status, 400);
  assert.ok(performance.now() - started < 20_000);
  assert.equal(await daemon.metric("hearth_slots_busy"), 0);
});

const hostilePatterns = ["|", "a|", "[a]|", ".", "(a{100000})", "(?:"];

for (const unit of hostilePatterns) {
  test(`a schema that is one pattern of a megabyte is refused at once: ${unit}`, async (t) => {
    const server = await startServer(t);
    const pattern = unit.repeat(900_000 / unit.length);
    const schema = { type: "object", properties: { a: { type: "string", pattern } } };
    const format = { type: "json_schema", name: "x", schema, strict: true };
    const body = JSON.stringify({ model: "default", input: "Hi", text: { format } });
    const before = process.cpuUsage();
    const answer = await server.post("/v1/responses", body);
    const { user, system } = process.cpuUsage(before);
    assert.equal(answer.status, 400);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, "invalid_value");
    assert.match(error.message, /more than 262144 characters/);
    assert.ok((user + system) / 1000 < 2000, `${(user + system) / 1000} ms of processor time`);
  });
}

test("while a schema takes its seconds to be compiled others are answered, also with a small heap", {
  skip: missing(story),
}, async (t) => {
  const daemon = await startDaemon(t, { env: { NODE_OPTIONS: "--max-old-space-size=64" } });
  const schemas = [
    { type: "array", uniqueItems: true, items: { enum: Array.from({ length: 60_000 }, (_, i) => i) } },
    { type: "string", pattern: ".".repeat(250_000) },
    { type: "string", pattern: "a|".repeat(125_000) },
  ];
  for (const schema of schemas) {
    const format = { type: "json_schema", name: "x", strict: true, schema };
    const body = JSON.stringify({ model: "default", input: "Hi", max_output_tokens: 2, text: { format } });
    let done = false;
    const hostile = fetch(`${daemon.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }).finally(() => {
      done = true;
    });
    const waits: number[] = [];
    while (!done) {
      const began = performance.now();
      assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
      waits.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const answer = await hostile;
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /GRAMMAR|grammar/);
    assert.ok(waits.length > 5, `${waits.length} answers`);
    assert.ok(Math.max(...waits) < 700, `${Math.max(...waits)} ms`);
  }
});

test("an error repeats at most 200 characters of a request, wherever they stand in it", async (t) => {
  const server = await startServer(t);
  const x = "x".repeat(2000);
  const tool = (name: string) => ({ type: "function", name, parameters: {} });
  const posts: readonly [route: string, body: object][] = [
    ["/v1/responses", { input: "Hi", model: x }],
    ["/v1/responses", { input: [{ type: x }] }],
    ["/v1/responses", { input: [{ role: "user", content: [{ type: x }] }] }],
    ["/v1/responses", { input: [{ role: x, content: "Hi" }] }],
    ["/v1/responses", { input: [{ type: "function_call_output", call_id: x, output: "" }] }],
    ["/v1/responses", { input: "Hi", previous_response_id: x }],
    ["/v1/responses", { input: "Hi", metadata: { [x]: 1 } }],
    ["/v1/responses", { input: "Hi", tools: [tool("f")], tool_choice: { type: "function", name: x } }],
    ["/v1/responses", { input: "Hi", text: { format: { type: x } } }],
    [
      "/v1/responses",
      { input: "Hi", text: { format: { type: "json_schema", name: "n", strict: true, schema: { [x]: x, type: x } } } },
    ],
    ["/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }], model: x }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: [{ type: x }] }] }],
    ["/v1/chat/completions", { messages: [{ role: x, content: "Hi" }] }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }], logit_bias: { [x]: "a" } }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }], tool_choice: x }],
    ["/v1/embeddings", { input: "Hi", model: x }],
    ["/api/chat", { model: x, messages: [{ role: "user", content: "Hi" }] }],
    ["/api/generate", { model: x, prompt: "Hi" }],
    ["/api/show", { model: x }],
    ["/api/pull", { model: x }],
    [`/v1/${x}`, {}],
    [`/v1/responses/${x}/cancel`, {}],
  ];
  const answers = posts.map(async ([route, body]) => [route, body, await server.post(route, body)] as const);
  for (const [route, body, answer] of await Promise.all(answers)) {
    const where = `${route.slice(0, 40)} ${JSON.stringify(body).slice(0, 80)}`;
    const text = await answer.text();
    assert.ok(answer.status >= 400 || /error/.test(text) || !text.includes("xxx"), `${where}: ${answer.status}`);
    assert.ok((text.match(/x/g) ?? []).length <= 200, `${where}: ${text.slice(0, 300)}`);
  }
  const headers: readonly [path: string, headers: Record<string, string>][] = [
    ["/v1/models", { host: x }],
    ["/v1/models", { origin: `http://${x}` }],
    ["/v1/models", { "content-encoding": x }],
    ["/v1/models", { authorization: `Bearer ${x}` }],
    [`/${x}`, { upgrade: "websocket", connection: "Upgrade", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" }],
    [`/v1/responses?starting_after=${x}`, {}],
  ];
  for (const [path, fields] of headers) {
    const text = await new Promise<string>((resolve, reject) => {
      const request = http.get({ port: server.port, host: "127.0.0.1", path, headers: fields, agent: false });
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (more) => (body += more));
        response.on("end", () => resolve(body));
      });
      request.on("error", reject);
    });
    const where = `${path.slice(0, 30)} ${Object.keys(fields)}`;
    assert.ok((text.match(/x/g) ?? []).length <= 200, `${where}: ${text.slice(0, 300)}`);
  }
  for (const path of [`/v1/responses/${x}`, `/v1/models/${x}`, `/${x}`]) {
    const text = await (await fetch(server.url + path)).text();
    assert.ok((text.match(/x/g) ?? []).length <= 200, `${path.slice(0, 40)}: ${text.slice(0, 300)}`);
  }
});

const many = 200_000;
const calls = [{ role: "assistant", content: "", tool_calls: Array(many).fill(0) }];
const long: Record<string, [path: string, body: object]> = {
  "texts to embed": ["/v1/embeddings", { model: "default", input: Array(many).fill("w") }],
  "tokens to embed that are none": ["/v1/embeddings", { model: "default", input: Array(many).fill(-1) }],
  "calls in a message": ["/v1/chat/completions", { model: "default", messages: calls }],
  metadata: [
    "/v1/responses",
    { model: "default", input: "Hi", metadata: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [i, ""])) },
  ],
  fields: [
    "/v1/responses",
    { model: "default", input: "Hi", ...Object.fromEntries(Array.from({ length: 80_000 }, (_, i) => [`f${i}`, 0])) },
  ],
};
for (const [name, [path, body]] of Object.entries(long)) {
  test(`a list or an object without end is refused before each entry is looked at: ${name}`, async (t) => {
    const server = await startServer(t);
    const answer = await server.post(path, JSON.stringify(body));
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /has more than 4096 entries/);
  });
}

test("a long list of tokens is no list without end", async (t) => {
  const server = await startServer(t);
  const answer = await server.post("/v1/embeddings", JSON.stringify({ model: "default", input: Array(9000).fill(1) }));
  assert.match(await answer.text(), /context_length_exceeded/);
});
