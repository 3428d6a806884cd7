import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { readEvents, startServer } from "../../../helpers/server.js";
import { deltas, types } from "./asks.js";

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

test("a stream tells how many turns the model does not see, to those who ask", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Yes") }, config: { "context.tokens": 512 } });
  const client = await server.connect();
  const turn = (n: number) => [
    { role: "user", content: `${n} ${"a".repeat(100)}` },
    { role: "assistant", content: "b".repeat(100) },
  ];
  const input = [...[1, 2, 3, 4].flatMap(turn), { role: "user", content: "Hi" }];
  const plain = await client.ask({ input, truncation: "auto" });
  assert.ok(!JSON.stringify(plain).includes("hearth:"));
  const events = await client.ask({ input, truncation: "auto", include: ["hearth.progress"] });
  const told = events.filter(({ type }) => type === "hearth:left_out");
  assert.equal(told.length, 1);
  assert.equal(events.indexOf(told[0] ?? {}), 2, "it comes before the answer");
  assert.ok(told[0]?.turns >= 2 && told[0]?.turns <= 4, JSON.stringify(told));
  assert.equal(told[0]?.tool_results, 0);
  const short = await client.ask({ input: "Hi", truncation: "auto", include: ["hearth.progress"] });
  assert.ok(!types(short).includes("hearth:left_out"));
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
