import assert from "node:assert/strict";
import test from "node:test";
import { deferred } from "../../src/base/async.js";
import { scripted } from "../fake-engine/module.js";
import { until } from "../helpers/scheduler.js";
import { type Event, readEvents, startServer } from "../helpers/server.js";

const types = (events: readonly Event[]) => events.map(({ type }) => type);
const deltas = (events: readonly Event[]) =>
  events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);

const orderOfEvents = [
  "response.created",
  "response.in_progress",
  "response.output_item.added",
  "response.content_part.added",
  ...Array<string>(6).fill("response.output_text.delta"),
  "response.output_text.done",
  "response.content_part.done",
  "response.output_item.done",
  "response.completed",
];

test("over a WebSocket: all events in their order, numbered from 0, and the whole Response at the end", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const client = await server.connect();
  const events = await client.ask({ model: "default", input: "Hi" });
  assert.deepEqual(types(events), orderOfEvents);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, i) => i),
  );
  assert.deepEqual(deltas(events), [..."Hello!"]);
  const [created, , added, part] = events;
  const done = events.at(-1);
  assert.equal(created?.response.status, "in_progress");
  assert.deepEqual(added?.item, {
    id: added?.item.id,
    type: "message",
    status: "in_progress",
    role: "assistant",
    content: [],
  });
  assert.deepEqual(part?.part, { type: "output_text", text: "", annotations: [], logprobs: [] });
  assert.equal(done?.response.id, created?.response.id);
  assert.deepEqual(done?.response.output, [
    {
      id: added?.item.id,
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Hello!", annotations: [], logprobs: [] }],
    },
  ]);
  assert.deepEqual(done?.response.usage, {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 6,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 9,
  });
});

test("the Response has every field of the public API, and no number is null", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const response = (await (await server.post("/v1/responses", { input: "Hi" })).json()) as Event;
  const { id, created_at: createdAt, completed_at: completedAt, output, usage, ...rest } = response;
  assert.match(id, /^resp_[0-9a-f]{48}$/);
  assert.ok(Number.isInteger(createdAt) && Number.isInteger(completedAt));
  assert.equal(output.length, 1);
  assert.equal(usage.total_tokens, 9);
  assert.deepEqual(rest, {
    object: "response",
    status: "completed",
    model: "fake",
    instructions: null,
    previous_response_id: null,
    temperature: 0.8,
    top_p: 0.95,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    max_output_tokens: null,
    max_tool_calls: null,
    tools: [],
    tool_choice: "auto",
    parallel_tool_calls: true,
    text: { format: { type: "text" }, verbosity: "medium" },
    reasoning: { effort: null, summary: null },
    truncation: "disabled",
    store: true,
    background: false,
    service_tier: "default",
    metadata: {},
    safety_identifier: null,
    prompt_cache_key: null,
    user: null,
    error: null,
    incomplete_details: null,
  });
});

test("a Response echoes its request", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const asked = {
    model: "fake",
    instructions: "Be kind.",
    temperature: 0,
    top_p: 1,
    presence_penalty: 0.5,
    frequency_penalty: -0.5,
    max_output_tokens: 50,
    store: false,
    metadata: { room: "kitchen" },
    prompt_cache_key: "conversation-1",
    safety_identifier: "someone",
    parallel_tool_calls: false,
    user: "anna",
  };
  const response = (await (await server.post("/v1/responses", { input: "Hi", ...asked })).json()) as Event;
  for (const [name, value] of Object.entries(asked)) assert.deepEqual(response[name], value, name);
});

test("over HTTP the same events come as server-sent events and end with [DONE]", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const response = await server.post("/v1/responses", { input: "Hi", stream: true });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const { events, last } = await readEvents(response);
  assert.deepEqual(types(events), orderOfEvents);
  assert.equal(last, "[DONE]");
});

test("an answer cut at max_output_tokens is incomplete and says why", async (t) => {
  const server = await startServer(t);
  const client = await server.connect();
  const done = (await client.ask({ input: "Hi", max_output_tokens: 4 })).at(-1);
  assert.equal(done?.type, "response.incomplete");
  assert.equal(done?.response.status, "incomplete");
  assert.deepEqual(done?.response.incomplete_details, { reason: "max_output_tokens" });
  assert.equal(done?.response.output[0].status, "incomplete");
  assert.equal(done?.response.usage.output_tokens, 4);
});

test("an answer that ends at once still has its item", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("") } });
  const client = await server.connect();
  const events = await client.ask({ input: "Hi" });
  assert.equal(types(events).includes("response.output_item.done"), true);
  assert.equal(events.at(-1)?.response.output[0].content[0].text, "");
});

test("token ids and prompt progress come only to those who ask", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Grün") } });
  const client = await server.connect();
  const plain = await client.ask({ input: "Hi" });
  assert.ok(!JSON.stringify(plain).includes("hearth:"));
  const events = await client.ask({ input: "Hi", include: ["hearth.token_ids", "hearth.progress"] });
  const bytes = [...new TextEncoder().encode("Grün")];
  assert.deepEqual(
    events.filter(({ type }) => type === "response.output_text.delta").flatMap((event) => event["hearth:token_ids"]),
    bytes,
  );
  assert.deepEqual(events.at(-1)?.response.output[0].content[0]["hearth:token_ids"], bytes);
  const progress = events.find(({ type }) => type === "hearth:prompt_progress");
  assert.equal(progress?.total_tokens, 3);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, i) => i),
  );
});

test("input comes as a string, as messages, as parts; a model without a template continues the texts", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const inputs = [
    "Hi there",
    [{ role: "user", content: "Hi there" }],
    [
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "Hi " },
          { type: "input_text", text: "there" },
        ],
      },
    ],
    [
      {
        type: "message",
        role: "assistant",
        phase: "final",
        id: "x",
        status: "completed",
        content: [{ type: "output_text", text: "Hi there", annotations: [] }],
      },
    ],
    [
      { type: "reasoning", summary: [] },
      { role: "developer", content: "Hi there" },
    ],
  ];
  for (const input of inputs) {
    const response = (await (await server.post("/v1/responses", { input })).json()) as Event;
    assert.equal(response.usage?.input_tokens, 9, JSON.stringify(input));
  }
});

const refused: [string, Event, number, string, string | null][] = [
  ["no input", {}, 400, "invalid_value", "input"],
  ["an unknown model", { model: "gpt-5", input: "x" }, 404, "model_not_found", "model"],
  ["a temperature out of range", { input: "x", temperature: 2.5 }, 400, "invalid_value", "temperature"],
  ["a temperature that is no number", { input: "x", temperature: "hot" }, 400, "invalid_value", "temperature"],
  ["top_p out of range", { input: "x", top_p: -0.1 }, 400, "invalid_value", "top_p"],
  ["a top_k out of range", { input: "x", top_k: -2_000_000 }, 400, "invalid_value", "top_k"],
  ["no tokens to generate", { input: "x", max_output_tokens: 0 }, 400, "invalid_value", "max_output_tokens"],
  ["half a token", { input: "x", max_output_tokens: 1.5 }, 400, "invalid_value", "max_output_tokens"],
  ["a seed beyond exact numbers", { input: "x", seed: 2 ** 53 }, 400, "invalid_value", "seed"],
  ["a role nobody has", { input: [{ role: "king", content: "x" }] }, 400, "invalid_value", "input[0].role"],
  ["an item that is none", { input: ["x"] }, 400, "invalid_value", "input[0]"],
  ["an unknown item", { input: [{ type: "poem" }] }, 400, "invalid_value", "input[0].type"],
  [
    "an unknown part",
    { input: [{ role: "user", content: [{ type: "smell" }] }] },
    400,
    "invalid_value",
    "input[0].content[0].type",
  ],
  ["metadata of numbers", { input: "x", metadata: { a: 1 } }, 400, "invalid_value", "metadata.a"],
  [
    "a lost conversation",
    { input: "x", previous_response_id: "resp_1" },
    400,
    "previous_response_not_found",
    "previous_response_id",
  ],
  [
    "tools without a template",
    { input: "x", tools: [{ type: "function", name: "f" }] },
    400,
    "unsupported_parameter",
    "tools",
  ],
  ["tools of the server's", { input: "x", tools: [{ type: "web_search" }] }, 400, "invalid_value", "tools[0].type"],
  ["forced tools without any", { input: "x", tool_choice: "required" }, 400, "invalid_value", "tool_choice"],
  [
    "a choice of no tool",
    { input: "x", tool_choice: { type: "function", name: "f" } },
    400,
    "invalid_value",
    "tool_choice",
  ],
  [
    "a format that there is not",
    { input: "x", text: { format: { type: "xml" } } },
    400,
    "invalid_value",
    "text.format.type",
  ],
  [
    "a schema that cannot be enforced",
    { input: "x", text: { format: { type: "json_schema", name: "s", strict: true, schema: { not: {} } } } },
    400,
    "invalid_json_schema",
    "schema",
  ],
  [
    "an image",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: "data:" }] }] },
    400,
    "unsupported_parameter",
    "input[0].content[0]",
  ],
  [
    "a tool's output",
    { input: [{ type: "function_call_output", call_id: "c", output: "" }] },
    400,
    "invalid_value",
    "input[0].call_id",
  ],
  ["log probabilities", { input: "x", top_logprobs: 3 }, 400, "unsupported_parameter", "top_logprobs"],
  ["a stored conversation", { input: "x", conversation: "conv_1" }, 400, "unsupported_parameter", "conversation"],
  ["a prompt that is too long", { input: "x".repeat(9000) }, 400, "context_length_exceeded", "input"],
];

test("each fault of a request is named with its field, alike on both transports, and the socket lives on", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  for (const [name, request, status, code, param] of refused) {
    const [event] = await client.ask(request);
    assert.equal(event?.type, "error", name);
    assert.deepEqual([event?.status, event?.error.code, event?.error.param], [status, code, param], name);
    for (const stream of [false, true]) {
      const response = await server.post("/v1/responses", { ...request, stream });
      const { error } = (await response.json()) as Event;
      assert.deepEqual([response.status, error.code, error.param], [status, code, param], name);
    }
  }
  assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
});

test("-1 is as in other servers: a drawn seed, no limit of the client's, top_k off", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const request = { input: "Hi", seed: -1, top_k: -1, max_output_tokens: -1 };
  const response = await server.post("/v1/responses", request);
  assert.equal(response.status, 200);
  const body = (await response.json()) as Event;
  assert.deepEqual([body.status, body.max_output_tokens], ["completed", null]);
  assert.equal((await server.post("/v1/responses", { input: "Hi", max_output_tokens: 0 })).status, 400);
});

test("harmless fields are tolerated", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const request = {
    input: "Hi",
    tools: [],
    tool_choice: "auto",
    text: { format: { type: "text" }, verbosity: "low" },
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    truncation: "disabled",
    service_tier: "auto",
    top_logprobs: 0,
    temperature: null,
    metadata: null,
    instructions: null,
    previous_response_id: null,
    conversation: null,
    some_new_field: { of: "next year" },
  };
  assert.equal((await server.post("/v1/responses", request)).status, 200);
});

test("bad frames get an error event and the socket lives", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const frames: [string | Buffer, string | null][] = [
    ["{", null],
    ["", null],
    ["null", "type"],
    ["[]", "type"],
    ['"x"', "type"],
    ["{}", "type"],
    ['{"type":"response.steer"}', "type"],
    ['{"type":"response.cancel","response_id":1}', "response_id"],
    ['{"type":"response.create","input":"x","stream_id":""}', "stream_id"],
    [Buffer.from([1, 2, 3]), null],
    ['{"type":"response.create","input":"x","stream":true}', "stream"],
    ['{"type":"response.create","input":"x","stream_options":{}}', "stream_options"],
    ['{"type":"response.create","input":"x","background":false}', "background"],
    ["[".repeat(100_000), null],
    [`{"type":"response.create","model":"default","input":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "input[0]"],
    [`{"type":"response.create","input":"x","tools":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "tools[0]"],
  ];
  for (const [frame, param] of frames) {
    client.socket.send(frame);
    const event = await client.next();
    assert.equal(event.type, "error");
    assert.equal(event.status, 400);
    assert.equal(event.error.param, param, String(frame).slice(0, 50));
  }
  assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
});

test("a conversation goes on by previous_response_id: on its socket without storing, elsewhere only when stored", async (t) => {
  const server = await startServer(t, { fake: { next: scripted(" fine.") } });
  const client = await server.connect();
  const first = (await client.ask({ input: "How are you?", store: false })).at(-1);
  const id = first?.response.id;
  const second = (await client.ask({ input: " And now?", store: false, previous_response_id: id })).at(-1);
  assert.equal(second?.type, "response.completed");
  assert.equal(second?.response.previous_response_id, id);
  assert.ok(second?.response.usage.input_tokens_details.cached_tokens >= "How are you? fine.".length);
  const elsewhere = await (await server.connect()).ask({ input: "x", previous_response_id: second?.response.id });
  assert.equal(elsewhere[0]?.error.code, "previous_response_not_found");

  const stored = (await (await server.post("/v1/responses", { input: "One" })).json()) as Event;
  const next = await (await server.connect()).ask({ input: "Two", previous_response_id: stored.id });
  assert.equal(next.at(-1)?.type, "response.completed");
});

test("a continuation that fails evicts the id it named", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const id = (await client.ask({ input: "Hi", store: false })).at(-1)?.response.id;
  server.module.failCall("stepResult", 1, "FILE_READ_FAILED");
  const failed = (await client.ask({ input: "x", store: false, previous_response_id: id })).at(-1);
  assert.equal(failed?.type, "response.failed");
  const again = await client.ask({ input: "x", store: false, previous_response_id: id });
  assert.equal(again[0]?.error.code, "previous_response_not_found");
});

test("instructions belong to one turn", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("") } });
  const first = (await (
    await server.post("/v1/responses", { input: "Hi", instructions: "Be a pirate." })
  ).json()) as Event;
  const second = (await (
    await server.post("/v1/responses", { input: "ho", previous_response_id: first.id })
  ).json()) as Event;
  assert.ok(second.usage.input_tokens < first.usage.input_tokens);
});

test("stored responses can be read and deleted, and others cannot", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const made = (await (await server.post("/v1/responses", { input: "Hi" })).json()) as Event;
  assert.deepEqual(await (await fetch(`${server.url}/v1/responses/${made.id}`)).json(), made);
  const deleted = await fetch(`${server.url}/v1/responses/${made.id}`, { method: "DELETE" });
  assert.deepEqual(await deleted.json(), { id: made.id, object: "response", deleted: true });
  assert.equal((await fetch(`${server.url}/v1/responses/${made.id}`)).status, 404);
  assert.equal((await fetch(`${server.url}/v1/responses/${made.id}`, { method: "DELETE" })).status, 404);
  const hidden = (await (await server.post("/v1/responses", { input: "Hi", store: false })).json()) as Event;
  assert.equal((await fetch(`${server.url}/v1/responses/${hidden.id}`)).status, 404);
});

test("generate:false returns an id without output, and the next turn finds its prompt read", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const warm = await client.ask({ input: "A long system prompt. ", generate: false });
  assert.deepEqual(types(warm), ["response.created", "response.in_progress", "response.completed"]);
  assert.deepEqual(warm.at(-1)?.response.output, []);
  assert.equal(warm.at(-1)?.response.usage.output_tokens, 0);
  const done = (await client.ask({ input: "Hi", previous_response_id: warm[0]?.response.id })).at(-1);
  assert.equal(done?.response.usage.input_tokens_details.cached_tokens, 23);
});

test("turns on one socket run one after the other, and only so many may wait", async (t) => {
  const server = await startServer(t, { fake: { manual: true }, config: { "limits.turns": 3 } });
  const client = await server.connect();
  for (let i = 0; i < 4; i++) client.send({ type: "response.create", input: `${i}`, max_output_tokens: 1 });
  const engine = server.module.engines[0];
  assert.ok(engine);
  await until(() => client.events.some(({ type }) => type === "error"));
  assert.equal(client.events.find(({ type }) => type === "error")?.error.code, "response_already_in_flight");
  for (let i = 0; i < 3; i++) await engine.release();
  await until(() => client.events.filter(({ type }) => type === "response.incomplete").length === 3);
  const turns = types(client.events).filter((type) => type === "response.created" || type === "response.incomplete");
  assert.deepEqual(turns, Array.from({ length: 3 }, () => ["response.created", "response.incomplete"]).flat());
  assert.ok(engine.plans.every(({ chunks }) => chunks.length === 1));
});

test("long requests that wait on one socket are bounded in size too", async (t) => {
  const server = await startServer(t, { fake: { stepMs: () => 5 }, config: { "limits.message_bytes": 4096 } });
  const client = await server.connect();
  const ask = (length: number) => client.send({ type: "response.create", input: "x".repeat(length) });
  ask(1500);
  ask(1500);
  ask(2000);
  await until(() => client.events.some(({ type }) => type === "error"));
  assert.equal(client.events.find(({ type }) => type === "error")?.error.code, "response_already_in_flight");
  client.socket.close();
  await server.atRest();
});

test("closing the socket cancels its turns and gives the slot back", async (t) => {
  const config = { "scheduler.slots": 1, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: { stepMs: () => 1, contextTrained: 100_000 }, config });
  const leaving = await server.connect();
  for (let i = 0; i < 3; i++) leaving.send({ type: "response.create", input: "Tell me a story" });
  await until(() => deltas(leaving.events).length >= 3);
  leaving.socket.close();
  await server.atRest();
  const next = await (await server.connect()).ask({ input: "Hello", max_output_tokens: 2 });
  assert.equal(next.at(-1)?.type, "response.incomplete");
});

test("an HTTP client that goes away cancels its request, streamed or not, where nobody can come back", async (t) => {
  const config = { "responses.resume_ms": 0, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: { stepMs: () => 1, contextTrained: 100_000 }, config });
  for (const stream of [true, false]) {
    const controller = new AbortController();
    const answer = fetch(`${server.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "default", input: "Tell me a story", stream }),
      signal: controller.signal,
    });
    await until(() => (server.module.engines[0]?.plans.length ?? 0) > 3);
    controller.abort();
    await answer.then((response) => response.text()).catch(() => {});
    await server.atRest();
  }
});

test("an engine fault in mid-answer is response.failed on a stream and 503 without one", async (t) => {
  const server = await startServer(t);
  server.module.failCall("stepResult", 3, "FILE_CHANGED");
  const { events } = await readEvents(await server.post("/v1/responses", { input: "Hi", stream: true }));
  const failed = events.at(-1);
  assert.equal(failed?.type, "response.failed");
  assert.equal(failed?.response.status, "failed");
  assert.equal(failed?.response.error.code, "model_error");
  server.module.failCall("stepResult", 3, "FILE_CHANGED");
  assert.equal((await server.post("/v1/responses", { input: "Hi" })).status, 503);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
});

test("a full queue is 503 with Retry-After", async (t) => {
  const config = { "scheduler.slots": 1, "scheduler.queue": 1 };
  const server = await startServer(t, { fake: { manual: true }, config });
  const client = await server.connect();
  const other = await server.connect();
  client.send({ type: "response.create", input: "a", max_output_tokens: 1 });
  await until(() => server.module.engines[0]?.held === true);
  other.send({ type: "response.create", input: "b", max_output_tokens: 1 });
  await until(() => other.events.length > 0);
  for (const stream of [false, true]) {
    const refusedResponse = await server.post("/v1/responses", { input: "c", stream });
    assert.equal(refusedResponse.status, 503);
    assert.equal(refusedResponse.headers.get("retry-after"), "5");
  }
  await server.module.engines[0]?.release();
  await server.module.engines[0]?.release();
  await server.atRest();
});

test("while the model loads, requests wait or are told to try again, and readyz says so", async (t) => {
  const loading = deferred<void>();
  const server = await startServer(t, {
    fake: { loading: loading.promise },
    config: { "model.load_wait_ms": 100 },
    loading: true,
  });
  const ready = await fetch(`${server.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get("retry-after"), "5");
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 200);
  const early = await server.post("/v1/responses", { input: "Hi" });
  assert.equal(early.status, 503);
  assert.equal(((await early.json()) as Event).error.code, "model_loading");
  loading.resolve();
  await until(() => server.models.phase === "ready");
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});

test("the models are listed as OpenAI lists them, and found by name and as default", async (t) => {
  const server = await startServer(t);
  const list = (await (await fetch(`${server.url}/v1/models`)).json()) as Event;
  assert.equal(list.object, "list");
  assert.equal(list.data[0].id, "fake");
  for (const name of ["fake", "default"]) {
    const model = (await (await fetch(`${server.url}/v1/models/${name}`)).json()) as Event;
    assert.deepEqual(model, list.data[0]);
  }
  assert.equal((await fetch(`${server.url}/v1/models/other/one`)).status, 404);
});

test("metrics are served in the Prometheus format", async (t) => {
  const server = await startServer(t);
  await server.post("/v1/responses", { input: "Hi", max_output_tokens: 3 });
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /^hearth_generated_tokens_total 3$/m);
  assert.match(text, /^hearth_slots_busy 0$/m);
  assert.match(text, /^hearth_websockets 0$/m);
});
