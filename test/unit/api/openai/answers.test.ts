/** OpenAI's older protocols on the fake engine: forms, orders and numbers that real clients may not notice. */
import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, readEvents, startServer } from "../../../helpers/server.js";

const chatTemplate =
  "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}<|turn|>assistant\n";
const ask = { model: "default", messages: [{ role: "user", content: "Hi" }] };
const json = async (response: Response): Promise<Event> => (await response.json()) as Event;

test("a chat completion is whole: choice, usage, timings, and no field missing", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("Hello!") } });
  const body = await json(await server.post("/v1/chat/completions", ask));
  assert.match(body.id, /^chatcmpl-[0-9a-f]{32}$/);
  assert.equal(body.object, "chat.completion");
  assert.equal(body.model, "fake");
  assert.deepEqual(body.choices, [
    {
      index: 0,
      message: { role: "assistant", content: "Hello!", refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: "stop",
    },
  ]);
  assert.equal(body.usage.completion_tokens, 6);
  assert.equal(body.usage.total_tokens, body.usage.prompt_tokens + 6);
  assert.deepEqual(body.usage.completion_tokens_details, { reasoning_tokens: 0 });
  assert.equal(body.timings.predicted_n, 6);
  assert.equal(body.timings.prompt_n + body.timings.cache_n, body.usage.prompt_tokens);
  for (const [name, value] of Object.entries(body.timings)) assert.ok(Number.isFinite(value), name);
  const again = await json(await server.post("/v1/chat/completions", ask));
  assert.equal(again.usage.prompt_tokens_details.cached_tokens, again.usage.prompt_tokens - 1);
});

test("a stream: a role, deltas, a reason, usage where it was asked for, [DONE]", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("Hello!") } });
  const request = { ...ask, stream: true, stream_options: { include_usage: true } };
  const { events, last } = await readEvents(await server.post("/v1/chat/completions", request));
  assert.equal(last, "[DONE]");
  assert.deepEqual(events[0]?.choices[0].delta, { role: "assistant", content: "" });
  assert.equal(events.map((event) => event.choices[0]?.delta.content ?? "").join(""), "Hello!");
  const final = events.at(-2);
  assert.deepEqual(final?.choices, [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]);
  assert.equal(final?.usage, null);
  assert.equal(final?.timings.predicted_n, 6);
  assert.deepEqual(events.at(-1)?.choices, []);
  assert.equal(events.at(-1)?.usage.completion_tokens, 6);
  assert.equal(new Set(events.map(({ id }) => id)).size, 1);
  for (const event of events) assert.equal(event.object, "chat.completion.chunk");
});

test("limits, stop texts and several answers", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("one two three") } });
  const post = async (more: object) => json(await server.post("/v1/chat/completions", { ...ask, ...more }));
  const cut = await post({ max_tokens: 3 });
  assert.deepEqual([cut.choices[0].message.content, cut.choices[0].finish_reason], ["one", "length"]);
  assert.equal((await post({ max_completion_tokens: 4, max_tokens: 9 })).choices[0].message.content, "one ");
  const stopped = await post({ stop: [" three", "x"] });
  assert.deepEqual([stopped.choices[0].message.content, stopped.choices[0].finish_reason], ["one two", "stop"]);
  const three = await post({ n: 3 });
  assert.deepEqual(
    three.choices.map(({ index }: Event) => index),
    [0, 1, 2],
  );
  assert.equal(three.usage.completion_tokens, 39);
  assert.equal(three.usage.prompt_tokens, stopped.usage.prompt_tokens);
  const { events } = await readEvents(await server.post("/v1/chat/completions", { ...ask, n: 2, stream: true }));
  for (const index of [0, 1]) {
    const own = events.flatMap(({ choices }) => choices).filter((choice) => choice.index === index);
    assert.equal(own.map(({ delta }) => delta.content ?? "").join(""), "one two three");
  }
});

test("log probabilities: one for each token, with the likeliest beside it, also in a stream", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("né") } });
  const request = { ...ask, logprobs: true, top_logprobs: 2 };
  const [choice] = (await json(await server.post("/v1/chat/completions", request))).choices;
  assert.deepEqual(
    choice.logprobs.content.map(({ bytes }: Event) => bytes),
    [[0x6e], [0xc3], [0xa9]],
  );
  for (const { logprob, top_logprobs: top } of choice.logprobs.content) {
    assert.ok(logprob <= 0);
    assert.equal(top.length, 2);
  }
  const { events } = await readEvents(await server.post("/v1/chat/completions", { ...request, stream: true }));
  const streamed = events.flatMap(({ choices }) => choices.flatMap((each: Event) => each.logprobs?.content ?? []));
  assert.deepEqual(streamed, choice.logprobs.content);
  const old = await json(await server.post("/v1/completions", { model: "default", prompt: "x", logprobs: 1 }));
  assert.deepEqual(old.choices[0].logprobs.text_offset.slice(0, 2), [0, 1]);
  assert.equal(old.choices[0].logprobs.tokens[0], "n");
});

test("a completion continues its text without a template", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("abc") } });
  const one = await json(await server.post("/v1/completions", { model: "default", prompt: "x" }));
  assert.deepEqual(one.choices, [{ index: 0, text: "abc", logprobs: null, finish_reason: "stop" }]);
  assert.equal(one.object, "text_completion");
  assert.equal(one.usage.prompt_tokens, 2); // BOS and x: no template
});

test("each of several prompts has its answers", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("abc") } });
  const two = await json(
    await server.post("/v1/completions", { model: "default", prompt: ["x", "yy"], n: 2, max_tokens: 2 }),
  );
  assert.equal(two.choices.length, 4);
  assert.equal(two.usage.prompt_tokens, 5);
  assert.equal(two.usage.completion_tokens, 8);
});

test("a completion is streamed in pieces", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("abc") } });
  const { events, last } = await readEvents(
    await server.post("/v1/completions", { model: "default", prompt: "x", stream: true }),
  );
  assert.equal(events.map(({ choices }) => choices[0].text).join(""), "abc");
  assert.equal(last, "[DONE]");
});

test("embeddings: vectors of length 1, in order, as numbers or base64, of texts or tokens", async (t) => {
  const server = await startServer(t);
  const post = async (more: object) => json(await server.post("/v1/embeddings", { model: "default", ...more }));
  const body = await post({ input: ["aaaa", "bbb"] });
  assert.deepEqual(
    body.data.map(({ index, object }: Event) => [index, object]),
    [
      [0, "embedding"],
      [1, "embedding"],
    ],
  );
  for (const { embedding } of body.data) assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
  assert.equal(body.usage.prompt_tokens, 5 + 4);
  const base64 = await post({ input: "aaaa", encoding_format: "base64" });
  const bytes = Buffer.from(base64.data[0].embedding, "base64");
  const numbers = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  assert.deepEqual(numbers, body.data[0].embedding);
  const ofTokens = await post({ input: [256, 97, 97, 97, 97] });
  assert.deepEqual(ofTokens.data[0].embedding, body.data[0].embedding);
  assert.equal((await server.post("/v1/embeddings", { model: "default", input: [999] })).status, 400);
});

test("each fault is named with its field, in OpenAI's form", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate } });
  for (const [path, more, status, code, param] of [
    ["chat/completions", { messages: [] }, 400, "invalid_value", "messages"],
    ["chat/completions", { messages: [{ role: "wizard", content: "Hi" }] }, 400, "invalid_value", "messages[0].role"],
    ["chat/completions", { temperature: 3 }, 400, "invalid_value", "temperature"],
    ["chat/completions", { n: 99 }, 400, "invalid_value", "n"],
    ["chat/completions", { model: "gpt-5" }, 404, "model_not_found", "model"],
    ["chat/completions", { functions: [] }, 400, "unsupported_parameter", "functions"],
    ["chat/completions", { audio: {} }, 400, "unsupported_parameter", "audio"],
    [
      "chat/completions",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }] },
      400,
      "unsupported_parameter",
      "messages[0].content[0]",
    ],
    ["completions", { prompt: "x", echo: true }, 400, "unsupported_parameter", "echo"],
    ["completions", { prompt: ["a", "b", "c"], n: 3 }, 400, "invalid_value", "n"],
    ["embeddings", { input: [] }, 400, "invalid_value", "input"],
    ["embeddings", { input: "x", dimensions: 3 }, 400, "unsupported_parameter", "dimensions"],
  ] as const) {
    const response = await server.post(`/v1/${path}`, { ...ask, ...more });
    const { error } = await json(response);
    assert.deepEqual([response.status, error.code, error.param], [status, code, param], JSON.stringify(more));
    assert.ok(error.message.length > 10 && error.type === "invalid_request_error");
  }
  await server.atRest();
});

test("a client that goes in mid-stream gives its slots back", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, stepMs: () => 1, contextTrained: 4096 } });
  const response = await server.post("/v1/chat/completions", { ...ask, n: 2, stream: true });
  await response.body?.cancel();
  await server.atRest();
});

test("a fault in mid-stream is an event", async (t) => {
  const server = await startServer(t, { fake: { chatTemplate, stepMs: () => 1, contextTrained: 4096 } });
  server.module.failCall("stepResult", 20, "FILE_READ_FAILED");
  const text = await (await server.post("/v1/chat/completions", { ...ask, stream: true })).text();
  assert.match(text, /data: \{"error":\{"type":"server_error","code":"model_error"/);
  assert.doesNotMatch(text, /\[DONE\]/);
});
