/** Spark against the public types of Open Responses, with the requests of its compliance suite, over HTTP and WebSockets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { startDaemon, type TestDaemon } from "../../helpers/daemon.js";
import { homeInstructions, homeTools, spark } from "../../helpers/home.js";
import {
  assertIs,
  assertStream,
  compactResource,
  inputTokens,
  responseResource,
  socketError,
} from "../../helpers/open-responses.js";
import { type Event, readEvents, TestSocket } from "../../helpers/server.js";

/** The compliance suite's own limit for a test is a minute. */
const limitMs = 60_000;

const say = (content: string, role = "user") => ({ type: "message", role, content });
const tools = homeTools().map((tool) => ({ type: "function", strict: false, ...tool }));
const home = { instructions: homeInstructions, tools, temperature: 0, max_output_tokens: 100 };
const image = { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" };

const kinds: readonly { readonly name: string; readonly request: Event; readonly status?: number }[] = [
  { name: "a message", request: { input: [say("Say hello in exactly 3 words.")] } },
  { name: "a system prompt", request: { input: [say("You are a pirate.", "system"), say("Say hello.")] } },
  { name: "a tool", request: { ...home, input: [say("Turn on the kitchen light")] } },
  {
    name: "several turns",
    request: {
      input: [
        say("My name is Alice."),
        { ...say("Hello Alice! How can I help you today?", "assistant"), phase: "final_answer" },
        say("What is my name?"),
      ],
    },
  },
  { name: "an image", request: { input: [{ role: "user", content: [image] }] }, status: 400 },
  { name: "structured output", request: { input: "Is it warm?", text: { format: { type: "json_object" } } } },
  { name: "a warm-up", request: { ...home, input: "Hi", generate: false } },
  { name: "few tokens", request: { input: "Tell me a story", max_output_tokens: 3 } },
];

async function ask(daemon: TestDaemon, path: string, body: object): Promise<{ status: number; body: Event }> {
  const response = await post(daemon, path, body);
  return { status: response.status, body: (await response.json()) as Event };
}

const post = (daemon: TestDaemon, path: string, body: object) =>
  fetch(`${daemon.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  });

const connect = (daemon: TestDaemon) =>
  TestSocket.open(new WebSocket(`${daemon.url.replace("http", "ws")}/v1/responses`));

async function start(t: Parameters<typeof startDaemon>[0]): Promise<TestDaemon> {
  const daemon = await startDaemon(t, { model: spark, args: ["--context", "4096"] });
  await daemon.logged("the model is ready");
  return daemon;
}

test("16 first requests of all kinds at once, over both transports: all end in time, and every field is the public type's", async (t) => {
  const daemon = await start(t);
  const overSocket = kinds.map(async ({ name, request, status }) => {
    const client = await connect(daemon);
    const events = await client.ask({ model: "default", max_output_tokens: 60, ...request }, limitMs);
    client.socket.close();
    if (status === undefined) return assertStream(events);
    assert.equal(events.length, 1, name);
    assertIs(socketError, events[0]);
    assert.equal(events[0]?.status, status);
  });
  const overHttp = kinds.map(async ({ name, request, status = 200 }, i) => {
    const stream = i % 2 === 0;
    const body = { model: "default", max_output_tokens: 60, ...request, stream };
    const response = await post(daemon, "/v1/responses", body);
    assert.equal(response.status, status, name);
    if (status === 200 && stream) {
      const { events, last } = await readEvents(response);
      assert.equal(last, "[DONE]");
      return assertStream(events);
    }
    const answer = (await response.json()) as Event;
    if (status === 200) return assertIs(responseResource, answer);
    assert.match(answer.error.message, /input_image/);
  });
  const began = performance.now();
  await Promise.all([...overSocket, ...overHttp]);
  t.diagnostic(`all 16 within ${((performance.now() - began) / 1000).toFixed(1)} s`);
  assert.equal(await daemon.metric("hearth_slots_busy"), 0);
});

test("a tool call over a WebSocket, and the rest of the conversation on the same one", async (t) => {
  const daemon = await start(t);
  const client = await connect(daemon);
  const asked = await client.ask({ ...home, input: "Turn on the kitchen light", store: false }, limitMs);
  assertStream(asked);
  const { response } = asked.at(-1) as Event;
  const call = response.output.find(({ type }: Event) => type === "function_call");
  assert.equal(call?.name, "HassTurnOn");
  const input = [{ type: "function_call_output", call_id: call.call_id, output: '{"success": true}' }];
  assertStream(await client.ask({ ...home, input, previous_response_id: response.id, store: false }, limitMs));
  const stranger = await connect(daemon);
  const [error] = await stranger.ask({ ...home, input, previous_response_id: response.id }, limitMs);
  assertIs(socketError, error);
  assert.equal(error?.error.code, "previous_response_not_found");
});

test("a conversation is compacted, and goes on from the compaction", async (t) => {
  const daemon = await start(t);
  const input = [say("My name is Alice."), say("Hello Alice!", "assistant"), say("Hello! Who are you?")];
  const { status, body } = await ask(daemon, "/v1/responses/compact", { model: "default", input });
  assert.equal(status, 200, JSON.stringify(body));
  assertIs(compactResource, body);
  assert.deepEqual(
    body.output.map(({ type, role, content }: Event) => [type, role, content?.[0].text]),
    [
      ["message", "user", "My name is Alice."],
      ["message", "user", "Hello! Who are you?"],
      ["compaction", undefined, undefined],
    ],
  );
  const next = { model: "default", input: [...body.output, say("What is my name?")], max_output_tokens: 8 };
  const answer = await ask(daemon, "/v1/responses", next);
  assertIs(responseResource, answer.body);
  assert.ok(["completed", "incomplete"].includes(answer.body.status), answer.body.status); // a small model may talk on

  const damaged = [{ type: "compaction", encrypted_content: "AAAA" }, say("Hi")];
  const refused = await ask(daemon, "/v1/responses", { model: "default", input: damaged });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.error.param, "input[0].encrypted_content");
  const nameless = await ask(daemon, "/v1/responses/compact", { input });
  assert.equal(nameless.status, 400);
  assert.equal(nameless.body.error.param, "model");
});

test("input tokens are those that the same request then has", async (t) => {
  const daemon = await start(t);
  for (const request of [{ input: "Hi" }, { ...home, input: [say("Turn on the kitchen light")] }]) {
    const { body: counted } = await ask(daemon, "/v1/responses/input_tokens", { model: "default", ...request });
    assertIs(inputTokens, counted);
    const { body: answered } = await ask(daemon, "/v1/responses", { model: "default", ...request });
    assert.equal(counted.input_tokens, answered.usage.input_tokens);
  }
});

/** A conversation that is longer than the context. */
function longConversation(): Event[] {
  const turns = Array.from({ length: 120 }, (_, i) => [
    say(`Question ${i}: what is the weather like in the town where I was born, and the one where I live?`),
    say(`Answer ${i}: it is sunny in both of them, with little wind and no rain at all.`, "assistant"),
  ]).flat();
  return [say("You are brief.", "system"), ...turns, say("Hello! Who are you?")];
}

test("without truncation a long conversation is an error", async (t) => {
  const daemon = await start(t);
  const input = longConversation();
  const refused = await ask(daemon, "/v1/responses", { model: "default", input });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.error.code, "context_length_exceeded");
});

test("truncation auto leaves the oldest turns out", async (t) => {
  const daemon = await start(t);
  const input = longConversation();
  const ask2 = { model: "default", input, truncation: "auto", max_output_tokens: 40, temperature: 0 };
  const { body } = await ask(daemon, "/v1/responses", ask2);
  assertIs(responseResource, body);
  assert.equal(body.truncation, "auto");
  assert.ok(body.usage.input_tokens > 500, String(body.usage.input_tokens));
  // Most of the next requests leave out these turns again, so that their prefix is found.
  let found = 0;
  let answer = body;
  const conversation: Event[] = [...input];
  for (let i = 0; i < 4; i++) {
    conversation.push(say(answer.output[0].content[0].text, "assistant"), say(`And what about number ${i}?`));
    answer = (await ask(daemon, "/v1/responses", { ...ask2, input: conversation })).body;
    const { input_tokens: all, input_tokens_details: details } = answer.usage;
    if (details.cached_tokens > all * 0.9) found++;
  }
  assert.ok(found >= 3, `${found} of 4`);
});
