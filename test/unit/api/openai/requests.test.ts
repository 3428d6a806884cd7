/** Fields that OpenAI's older protocols take, refuse by name, and enforce, on the fake engine. */
import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer, type TestServer } from "../../../helpers/server.js";

const chatTemplate =
  "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}<|turn|>assistant\n";
const fake = { chatTemplate, next: scripted("on off") };
const ask = { messages: [{ role: "user", content: "Hi" }], max_tokens: 8 };
const tool = (name: string) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: {} } },
});
const named = (name: string) => ({ type: "function", function: { name } });
const tools = [tool("read_clock"), tool("set_lamp")];

const chat = (server: TestServer, more: object) => server.post("/v1/chat/completions", { ...ask, ...more });
const json = async (response: Response): Promise<Event> => (await response.json()) as Event;

test("choices of tools that cannot be met are refused, and the error names the field and the tool", async (t) => {
  const server = await startServer(t, { fake });
  for (const [more, param, words] of [
    [{ tools, tool_choice: named("nope") }, "tool_choice", /nope/],
    [{ tool_choice: named("nope") }, "tool_choice", /nope/],
    [{ tool_choice: "required" }, "tool_choice", /no tools/],
    [{ tools: [], tool_choice: "required" }, "tool_choice", /no tools/],
    [{ tools: [tool("twice"), tool("twice")] }, "tools", /twice/],
    [{ tools: [tool("twice"), tool("twice")], tool_choice: "none" }, "tools", /twice/],
    [
      { tools, tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [named("nope")] } } },
      "tool_choice",
      /nope/,
    ],
    [
      { tools, tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [] } } },
      "tool_choice",
      /no tools/,
    ],
  ] as const) {
    const response = await chat(server, more);
    assert.equal(response.status, 400, JSON.stringify(more));
    const { error } = await json(response);
    assert.equal(error.param, param);
    assert.match(error.message, words);
  }
});

test("allowed_tools leaves the other tools out of the prompt", async (t) => {
  const server = await startServer(t, { fake });
  const tokens = async (more: object) => (await json(await chat(server, more))).usage.prompt_tokens;
  const allowed = (names: string[]) => ({
    tools,
    tool_choice: { type: "allowed_tools", allowed_tools: { tools: names.map(named) } },
  });
  assert.equal(await tokens(allowed(["set_lamp"])), await tokens({ tools: [tool("set_lamp")] }));
  assert.equal(await tokens(allowed(["read_clock", "set_lamp"])), await tokens({ tools }));
  assert.equal(await tokens(allowed([])), await tokens({}));
});

test("two fields that both say what the answer looks like are refused by name", async (t) => {
  const server = await startServer(t, { fake });
  const { error } = await json(await chat(server, { guided_choice: ["on"], response_format: { type: "json_object" } }));
  assert.match(error.message, /response_format and guided_choice/);
  assert.equal(error.param, "guided_choice");
});

test("constraints that cannot be enforced are refused by name, on chat and on completions", async (t) => {
  const server = await startServer(t, { fake });
  for (const [more, words] of [
    [{ structural_tag: {} }, /structural_tag/],
    [{ structured_outputs: { structural_tag: "x" } }, /structured_outputs\.structural_tag/],
    [{ guided_json: "{" }, /guided_json/],
    [{ guided_regex: "(a)\\1" }, /regular expression/],
    [{ guided_json: { type: "string", pattern: "(a)\\1" } }, /pattern/],
    [{ json_schema: { type: "string", pattern: "(a)\\1" } }, /pattern/],
    [{ response_format: { type: "json_object", schema: { type: "string", pattern: "(a)\\1" } } }, /pattern/],
    [{ response_format: { type: "json_schema" } }, /json_schema/],
    [{ response_format: { type: "structural_tag" } }, /response_format\.type/],
    [{ guided_choice: [] }, /guided_choice/],
    [{ guided_choice: "on" }, /guided_choice/],
    [{ structured_outputs: { choice: [1] } }, /structured_outputs\.choice/],
  ] as const) {
    for (const [path, own] of [
      ["/v1/chat/completions", ask],
      ["/v1/completions", { prompt: "x" }],
    ] as const) {
      const response = await server.post(path, { ...own, ...more });
      assert.equal(response.status, 400, `${path} ${JSON.stringify(more)}`);
      const { error } = await json(response);
      assert.match(`${error.param} ${error.message}`, words);
    }
  }
});

test("unknown fields are named in a Warning header, but for harmless ones and null", async (t) => {
  const server = await startServer(t, { fake });
  const warning = async (path: string, body: object) => (await server.post(path, body)).headers.get("warning");
  const more = { mirostat: 2, top_a: 0.5, metadata: {}, store: true, id_slot: 1, dry_multiplier: null, "x\ny": 1 };
  const expected = '299 hearth "these fields were ignored: mirostat, top_a, (a strange name)"';
  assert.equal(await warning("/v1/chat/completions", { ...ask, ...more }), expected);
  assert.equal(await warning("/v1/chat/completions", { ...ask, ...more, stream: true }), expected);
  assert.equal(await warning("/v1/completions", { prompt: "x", ...more }), expected);
  assert.equal(await warning("/v1/embeddings", { input: "x", ...more }), expected);
  assert.equal(await warning("/v1/responses", { input: "x", ...more }), expected);
  assert.equal(await warning("/v1/chat/completions", { ...ask, metadata: {}, user: "u" }), null);
});

test("the names of a thousand unknown fields do not fill the header", async (t) => {
  const server = await startServer(t, { fake });
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${"f".repeat(50)}${i}`, i]));
  const response = await chat(server, many);
  assert.equal(response.status, 200);
  assert.ok((response.headers.get("warning") ?? "").length < 1000);
});

test("a request without a model is told which there are, on every route", async (t) => {
  const server = await startServer(t, { fake });
  const socket = await server.connect();
  for (const [path, body] of [
    ["/v1/chat/completions", ask],
    ["/v1/completions", { prompt: "x", max_tokens: 2 }],
    ["/v1/embeddings", { input: "x" }],
    ["/v1/responses", { input: "x", max_output_tokens: 2 }],
    ["/v1/responses", { input: "x", max_output_tokens: 2, stream: true }],
    ["/v1/responses/compact", { input: "x" }],
  ] as const) {
    for (const model of [undefined, null, ""]) {
      const response = await server.post(path, { ...body, model });
      assert.equal(response.status, 400, path);
      assertNameless((await json(response)).error);
    }
    assert.equal((await server.post(path, { ...body, model: "default" })).status, 200, path);
  }
  const [refused] = await socket.ask({ model: null, input: "x" });
  assert.equal(refused?.status, 400);
  assertNameless(refused?.error);
  const counted = await server.post("/v1/responses/input_tokens", { input: "x" });
  assert.equal(counted.status, 200);
});

function assertNameless({ code, param, message }: Event) {
  assert.deepEqual([code, param], ["invalid_value", "model"]);
  assert.match(message, /^The request names no model; there are fake\. /);
}

test("prompts may be token ids, and lists of them: they are continued as they are", async (t) => {
  const server = await startServer(t, { fake });
  const ids = [...Buffer.from("abc")];
  const complete = async (prompt: unknown) => json(await server.post("/v1/completions", { prompt, max_tokens: 2 }));
  const one = await complete(ids);
  assert.equal(one.usage.prompt_tokens, 3);
  assert.equal(one.choices[0].text, "on");
  const two = await complete([ids, [1, 2]]);
  assert.equal(two.usage.prompt_tokens, 5);
  assert.deepEqual(
    two.choices.map(({ index }: Event) => index),
    [0, 1],
  );
});

test("ids that the vocabulary does not have are refused", async (t) => {
  const server = await startServer(t, { fake });
  for (const prompt of [[260], [1, 2 ** 31 - 1], [[1], [260]], [2 ** 31], [-1], [1.5], [], [[]]]) {
    const completion = await server.post("/v1/completions", { prompt });
    assert.equal(completion.status, 400, JSON.stringify(prompt));
    const embedding = await server.post("/v1/embeddings", { input: prompt });
    assert.equal(embedding.status, 400, JSON.stringify(prompt));
  }
});

const textsToEmbed = (count: number) => ({ input: Array.from({ length: count }, (_, i) => `text ${i % 7}`) });

test("more than 2,048 texts to embed are refused", async (t) => {
  const server = await startServer(t, { fake });
  assert.equal((await server.post("/v1/embeddings", textsToEmbed(2049))).status, 400);
});

test("2,048 texts are embedded in their order", async (t) => {
  const server = await startServer(t, { fake });
  const { data, usage } = await json(await server.post("/v1/embeddings", textsToEmbed(2048)));
  assert.equal(data.length, 2048);
  assert.deepEqual(
    data.map(({ index }: Event) => index),
    Array.from({ length: 2048 }, (_, i) => i),
  );
  assert.deepEqual(data[7].embedding, data[0].embedding);
  assert.notDeepEqual(data[1].embedding, data[0].embedding);
  assert.equal(usage.prompt_tokens % 2048, 0);
});

test("one bad text of many fails the request, and the slots are given back", async (t) => {
  const server = await startServer(t, { fake });
  const input = Array.from({ length: 100 }, (_, i) => (i === 50 ? [999] : [1, 2]));
  assert.equal((await server.post("/v1/embeddings", { input })).status, 400);
  await server.atRest();
  assert.equal((await server.post("/v1/embeddings", { input: "x" })).status, 200);
});

test("dimensions are the model's own, or refused by name", async (t) => {
  const server = await startServer(t, { fake });
  const embed = (dimensions: number) => server.post("/v1/embeddings", { input: "x", dimensions });
  assert.equal((await json(await embed(32))).data[0].embedding.length, 32);
  for (const dimensions of [16, 64]) {
    const response = await embed(dimensions);
    assert.equal(response.status, 400);
    const { error } = await json(response);
    assert.equal(error.param, "dimensions");
    assert.match(error.message, /32 dimensions/);
  }
});

test("dimensions on /api/embed are as on /v1/embeddings", async (t) => {
  const server = await startServer(t, { fake: { ...fake, name: "Qwen3 Embedding 0.6B" } });
  const embed = async (dimensions: number) =>
    json(await server.post("/api/embed", { model: "fake", input: "x", dimensions }));
  assert.equal((await embed(8)).embeddings[0].length, 8);
  assert.equal((await embed(0)).embeddings[0].length, 32);
  assert.match((await embed(64)).error, /32 dimensions/);
});

test("a model that was trained for it gives shorter vectors, of length 1", async (t) => {
  const server = await startServer(t, { fake: { ...fake, name: "Qwen3 Embedding 0.6B" } });
  const { data } = await json(await server.post("/v1/embeddings", { input: "x", dimensions: 8 }));
  assert.equal(data[0].embedding.length, 8);
  assert.ok(Math.abs(Math.hypot(...data[0].embedding) - 1) < 1e-6);
});
