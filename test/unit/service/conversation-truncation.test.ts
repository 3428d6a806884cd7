/** Shortening leaves out parts of a conversation that is too long, and tells the client. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Config } from "../../../src/config/options.js";
import { TruncatableConversation } from "../../../src/service/conversation-truncation.js";
import { scripted } from "../../fake-engine/module.js";
import { type Event, startServer, type TestServer } from "../../helpers/server.js";

const chatTemplate = "{% for m in messages %}<|turn|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}<|turn|>assistant:";
const start = (
  t: Parameters<typeof startServer>[0],
  contextTokens = 400,
  contextTrained = 4096,
  config: Partial<Config> = {},
) =>
  startServer(t, {
    fake: { chatTemplate, next: scripted("Yes."), contextTrained },
    config: { "context.tokens": contextTokens, ...config },
  });
const say = (role: string, content: string) => ({ role, content });
const long = (letter: string, count: number) => letter.repeat(count);

/** The text of the last prompt that an engine read, without what was in its cache. */
function lastPrompt(server: TestServer): string {
  const history = server.module.engines[0]?.plans.flatMap(({ chunks }) => chunks.flatMap(({ tokens }) => [...tokens]));
  return Buffer.from((history ?? []).filter((token) => token < 256)).toString();
}

test("results of older turns go before turns, the oldest first", () => {
  const result = say("tool", long("r", 100));
  const conversation = new TruncatableConversation([
    say("system", "rules"),
    ...[say("user", "one"), say("assistant", ""), result],
    ...[say("user", "two"), result],
    ...[say("user", "three"), result],
  ]);
  assert.equal(conversation.steps, 4);
  const left = [0, 1, 2, 3, 4].map((step) => conversation.at(step));
  assert.deepEqual(
    left.map(({ leftOut: { turns, toolResults } }) => [turns, toolResults]),
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 1],
      [2, 0],
    ],
  );
  const shown = left.map(({ messages }) => messages.map(({ content }) => content.slice(0, 5)).join(" "));
  assert.deepEqual(shown, [
    "rules one  rrrrr two rrrrr three rrrrr",
    "rules one  (left two rrrrr three rrrrr",
    "rules one  (left two (left three rrrrr",
    "rules two (left three rrrrr",
    "rules three rrrrr",
  ]);
});

test("steps are coarse while much is left, so that the next request stops at the same one", () => {
  const turns = Array.from({ length: 64 }, (_, i) => say("user", `turn ${i}`));
  const conversation = new TruncatableConversation(turns);
  const stops = new Set(Array.from({ length: 64 }, (_, step) => conversation.roundUp(step)));
  assert.ok(stops.size < 32, `${stops.size} stops`);
  for (let step = 0; step <= conversation.steps; step++) {
    const stop = conversation.roundUp(step);
    assert.ok(stop >= step && stop <= conversation.steps, `${step} to ${stop}`);
  }
});

test("/api/chat leaves out the oldest turns, keeps the system message and the question, and says so in a header", async (t) => {
  const server = await start(t);
  const messages = [
    say("system", "Be brief."),
    ...[say("user", long("a", 150)), say("assistant", "A")],
    ...[say("user", long("b", 150)), say("assistant", "B")],
    say("user", "And now?"),
  ];
  const response = await server.post("/api/chat", { model: "fake", stream: false, messages });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-hearth-left-out"), "turns=1");
  const prompt = lastPrompt(server);
  assert.match(prompt, /Be brief\..*b{150}.*And now\?/s);
  assert.doesNotMatch(prompt, /aaa/);
});

test("where a question leaves less than a quarter of the context, older turns stay that fit beside it", async (t) => {
  const server = await start(t);
  const messages = [
    ...[say("user", long("a", 150)), say("assistant", "A")],
    ...[say("user", "Short?"), say("assistant", "B")],
    say("user", long("c", 290)),
  ];
  const response = await server.post("/api/chat", { model: "fake", stream: false, messages });
  assert.equal(response.headers.get("x-hearth-left-out"), "turns=1");
  assert.match(lastPrompt(server), /Short\?.*c{290}/s);
});

test("what fits is not touched and has no header", async (t) => {
  const server = await start(t);
  const response = await server.post("/api/chat", { model: "fake", stream: false, messages: [say("user", "Hi")] });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-hearth-left-out"), null);
});

test("truncate false, a question that alone is too long, and a new result that is, are errors", async (t) => {
  const server = await start(t);
  const older = [say("user", long("a", 300)), say("assistant", "A")];
  for (const [more, messages] of [
    [{ truncate: false }, [...older, say("user", long("b", 200))]],
    [{}, [say("user", long("b", 500))]],
    [{}, [...older, say("user", "Look"), say("tool", long("r", 500))]],
  ] as const) {
    const response = await server.post("/api/chat", { model: "fake", stream: false, messages, ...more });
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as Event).error, /The prompt has \d+ tokens and the context holds 400/);
  }
});

test("a streamed chat of Ollama's that cannot fit is answered in words, unless its client reads errors", async (t) => {
  const server = await start(t);
  const body = { model: "fake", messages: [say("user", long("b", 500))] };
  for (const more of [{}, { stream: true, truncate: true }]) {
    const response = await server.post("/api/chat", { ...body, ...more });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-hearth-error"), "context_length_exceeded");
    const lines: Event[] = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const said = lines.map(({ message }) => message.content).join("");
    assert.match(said, /^The prompt has \d+ tokens and the context holds 400\..* Shorten the prompt/);
    const { done, done_reason: reason, eval_count: count } = lines.at(-1) ?? {};
    assert.deepEqual([done, reason, count], [true, "length", 0]);
  }
  for (const more of [{ stream: false }, { truncate: false }, { format: "json" }]) {
    const response = await server.post("/api/chat", { ...body, ...more });
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as Event).error, /The prompt has/);
  }
  const unknown = await server.post("/api/chat", { ...body, model: "other" });
  assert.equal(unknown.status, 404, "no other error is told so");
});

/** A home's states, asked for twice: `r` is the older result, `n` the newer one. */
const calling = (id: string) => ({
  role: "assistant",
  content: "",
  tool_calls: [{ id, type: "function", function: { name: "GetLiveContext", arguments: "{}" } }],
});
const home = (older: number, newer: number) => [
  say("user", "Which lights are on?"),
  calling("a"),
  { ...say("tool", long("r", older)), tool_call_id: "a" },
  say("assistant", "One."),
  say("user", "And now?"),
  calling("b"),
  { ...say("tool", long("n", newer)), tool_call_id: "b" },
];

test("a chat that says nothing of truncation goes on without the results of older turns, and says so", async (t) => {
  const server = await start(t, 500);
  const body = { model: "fake", max_tokens: 20 };
  const fits = await server.post("/v1/chat/completions", { ...body, messages: home(20, 20) });
  assert.equal(fits.headers.get("x-hearth-left-out"), null);
  const response = await server.post("/v1/chat/completions", { ...body, messages: home(200, 150) });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-hearth-left-out"), "tool_results=1");
  const prompt = lastPrompt(server);
  assert.match(prompt, /left out: too old.*One\..*And now\?.*n{150}/s);
  assert.doesNotMatch(prompt, /r{100}/);
});

test("a chat whose turns and newest result are too long is an error, and nothing of what fits is left out", async (t) => {
  const server = await start(t, 500);
  for (const messages of [home(200, 500), [say("user", long("a", 350)), say("user", long("b", 200))]]) {
    const response = await server.post("/v1/chat/completions", { model: "fake", messages });
    assert.equal(response.status, 400);
    assert.equal(((await response.json()) as Event).error.code, "context_length_exceeded");
  }
});

test("context.overflow error makes a chat that is too long an error", async (t) => {
  const server = await start(t, 500, 4096, { "context.overflow": "error" });
  const response = await server.post("/v1/chat/completions", { model: "fake", messages: home(200, 150) });
  assert.equal(response.status, 400);
});

test("context.overflow leave_out_turns lets a chat go on without its oldest turns", async (t) => {
  const server = await start(t, 500, 4096, { "context.overflow": "leave_out_turns" });
  const messages = [say("user", long("a", 350)), say("assistant", "A"), say("user", long("b", 200))];
  const response = await server.post("/v1/chat/completions", { model: "fake", messages });
  assert.equal(response.headers.get("x-hearth-left-out"), "turns=1");
});

test("a chat that says nothing of truncation keeps what was said of older turns, without their calls", () => {
  const call = { ...say("assistant", ""), toolCalls: [{ id: "a", name: "f", arguments: "{}" }] };
  const turn = (text: string) => [say("user", text), call, say("tool", long("r", 100)), say("assistant", "Yes.")];
  const conversation = new TruncatableConversation(
    [...turn("one"), ...turn("two"), ...turn("three")],
    "leave_out_results",
  );
  const { messages, leftOut } = conversation.at(conversation.steps);
  assert.deepEqual(
    messages.map(({ role, content }) => `${role} ${content.slice(0, 5)}`),
    [
      "user one",
      "assistant Yes.",
      "user two",
      "assistant Yes.",
      "user three",
      "assistant ",
      "tool (left",
      "assistant Yes.",
    ],
  );
  assert.deepEqual(leftOut, { turns: 0, toolResults: 3, tokens: 0 });
});

test("a turn of many calls goes on without all results but the last", async (t) => {
  const server = await start(t, 600);
  const result = (id: string) => [calling(id), { ...say("tool", long(id, 250)), tool_call_id: id }];
  const messages = [say("user", "Look"), ...result("x"), ...result("y"), ...result("z")];
  for (const route of ["/v1/chat/completions", "/api/chat"]) {
    const response = await server.post(route, {
      ...{ model: "fake", messages: route === "/api/chat" ? ollamaForm(messages) : messages },
      ...{ max_tokens: 20, options: { num_predict: 20 }, stream: false },
    });
    assert.equal(response.status, 200, route);
    assert.equal(response.headers.get("x-hearth-left-out"), "tool_results=2", route);
  }
});

const ollamaForm = (messages: readonly Event[]) =>
  messages.map((message) => ({
    ...message,
    ...(message.tool_calls && { tool_calls: [{ function: { name: "GetLiveContext", arguments: {} } }] }),
  }));

/** A request whose older results are too long for 500 tokens. */
function withOldResults() {
  const called = (id: string, output: string) => [
    { type: "function_call", call_id: id, name: "GetLiveContext", arguments: "{}" },
    { type: "function_call_output", call_id: id, output },
  ];
  const input = [
    ...[say("user", "Which lights are on?"), ...called("a", long("r", 200)), say("assistant", "One.")],
    ...[say("user", "And now?"), ...called("b", long("n", 150))],
  ];
  return { model: "fake", input, max_output_tokens: 20 };
}

test("a response without truncation goes on without old results and says auto", async (t) => {
  const server = await start(t, 500);
  const response = (await (await server.post("/v1/responses", withOldResults())).json()) as Event;
  assert.deepEqual([response.status, response.truncation], ["completed", "auto"]);
  assert.doesNotMatch(lastPrompt(server), /rrr/);
});

test("a response with truncation disabled that is too long is an error", async (t) => {
  const server = await start(t, 500);
  const body = { ...withOldResults(), truncation: "disabled" };
  assert.equal((await server.post("/v1/responses", body)).status, 400);
});

test("/api/generate cuts the beginning of a raw text, and never a question", async (t) => {
  const server = await start(t);
  const prompt = `${long("a", 500)}the end`;
  const raw = await server.post("/api/generate", { model: "fake", stream: false, prompt, raw: true });
  assert.equal(raw.status, 200);
  assert.match(raw.headers.get("x-hearth-left-out") ?? "", /^tokens=\d+$/);
  assert.match(lastPrompt(server), /^a+the end/);
  assert.equal((await server.post("/api/generate", { model: "fake", stream: false, prompt })).status, 400);
});

test("/api/embed cuts a text to the context, also one of megabytes, unless truncate is false", async (t) => {
  const server = await start(t);
  for (const input of [long("a", 5000), long("a", 900_000)]) {
    const cut = (await (await server.post("/api/embed", { model: "fake", input })).json()) as Event;
    assert.equal(cut.prompt_eval_count, 400);
    assert.equal((await server.post("/api/embed", { model: "fake", input, truncate: false })).status, 400);
  }
});

test("an error advises to raise the context only up to where the model goes, and names the request's own field", async (t) => {
  const held = await start(t, 400, 4096);
  const body = { model: "fake", messages: [say("user", long("a", 500))] };
  const { error } = (await (await held.post("/v1/chat/completions", body)).json()) as Event;
  assert.match(error.message, /context holds 400\. The option context\.tokens can raise that to 4096/);
  assert.equal(error.param, "messages");
  const most = await start(t, 4096, 400);
  for (const [path, asked, param] of [
    ["chat/completions", body, "messages"],
    ["completions", { model: "fake", prompt: long("a", 500) }, "prompt"],
    ["embeddings", { model: "fake", input: long("a", 500) }, "input"],
    ["responses", { model: "fake", input: long("a", 500) }, "input"],
  ] as const) {
    const answer = (await (await most.post(`/v1/${path}`, asked)).json()) as Event;
    assert.equal(answer.error.code, "context_length_exceeded", path);
    assert.match(answer.error.message, /this model holds 400: it was made for no more\. Shorten/);
    assert.doesNotMatch(answer.error.message, /raise|configuration/);
    assert.equal(answer.error.param, param, path);
  }
});
