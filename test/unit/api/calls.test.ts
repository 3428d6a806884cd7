/** Calls without marks, and calls that a limit cuts, in all protocols, whole and as streams, on the fake engine. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import { scripted } from "../../fake-engine/module.js";
import { type Event, readEvents, startServer, type TestServer } from "../../helpers/server.js";

const chatTemplate =
  "{% if tools %}<tool_call>{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}" +
  "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% for c in m.tool_calls or [] %}" +
  "{% for key, value in c.function.arguments | items %}{{ key }}={{ value }}{% endfor %}{% endfor %}{% endfor %}[assistant]";

const parameters = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const tools = [{ type: "function", function: { name: "HassTurnOn", parameters } }];
const messages = [{ role: "user", content: "Kitchen light on" }];
const object = '{"name": "HassTurnOn", "arguments": {"name": "Kitchen"}}';
const forms = { marked: `<tool_call>\n${object}\n</tool_call>`, bare: object, block: `\`\`\`json\n${object}\n\`\`\`` };

interface Answer {
  readonly content: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string | object }[];
  readonly reason: string;
}

/** One answer in each protocol, whole and streamed; `most`: tokens, which are bytes here. */
const protocols: Record<string, (server: TestServer, most: number) => Promise<Answer>> = {
  async chat(server, most) {
    const body = { model: "default", messages, tools, max_tokens: most };
    const { choices } = (await (await server.post("/v1/chat/completions", body)).json()) as Event;
    const [{ message, finish_reason: reason }] = choices;
    const calls = (message.tool_calls ?? []).map((call: Event) => call.function);
    return { content: message.content ?? "", calls, reason };
  },
  async "chat, streamed"(server, most) {
    const body = { model: "default", messages, tools, max_tokens: most, stream: true };
    const { events } = await readEvents(await server.post("/v1/chat/completions", body));
    const choices = events.flatMap((event) => event.choices);
    const calls: { name: string; arguments: string }[] = [];
    for (const { index, function: part } of choices.flatMap(({ delta }) => delta.tool_calls ?? [])) {
      const { name, arguments: begun } = calls[index] ?? { name: part.name, arguments: "" };
      calls[index] = { name, arguments: begun + part.arguments };
    }
    const content = choices.map(({ delta }) => delta.content ?? "").join("");
    return { content, calls, reason: choices.at(-1)?.finish_reason };
  },
  async ollama(server, most) {
    const body = { model: "fake", messages, tools, options: { num_predict: most }, stream: false };
    const { message, done_reason: reason } = (await (await server.post("/api/chat", body)).json()) as Event;
    const calls = (message.tool_calls ?? []).map((call: Event) => call.function);
    return { content: message.content, calls, reason };
  },
  async "ollama, streamed"(server, most) {
    const body = { model: "fake", messages, tools, options: { num_predict: most } };
    const text = await (await server.post("/api/chat", body)).text();
    const chunks: Event[] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const calls = chunks.flatMap(({ message }) => message.tool_calls ?? []).map((call: Event) => call.function);
    return {
      content: chunks.map(({ message }) => message.content).join(""),
      calls,
      reason: chunks.at(-1)?.done_reason,
    };
  },
  async responses(server, most) {
    const input = { input: "Kitchen light on", tools: [{ type: "function", name: "HassTurnOn", parameters }] };
    const events = await (await server.connect()).ask({ ...input, max_output_tokens: most });
    for (const event of events) {
      if (event.type === "response.function_call_arguments.done") JSON.parse(event.arguments);
    }
    const { output, status, incomplete_details: details } = events.at(-1)?.response ?? {};
    const calls = output.filter((item: Event) => item.type === "function_call");
    const isCut = status === "incomplete" && details.reason === "max_output_tokens";
    for (const item of isCut ? output.slice(-1) : []) assert.equal(item.status, "incomplete");
    const content = output
      .flatMap((item: Event) => item.content ?? [])
      .map(({ text }: Event) => text)
      .join("");
    return { content, calls, reason: isCut ? "length" : status };
  },
};

async function serverSaying(t: TestContext, answer: string) {
  return startServer(t, { fake: { chatTemplate, next: scripted(answer) } });
}

const asObject = (given: string | object): object => (typeof given === "string" ? JSON.parse(given) : given);

for (const [protocol, ask] of Object.entries(protocols)) {
  test(`${protocol}: a call is a call, with and without its marks`, async (t) => {
    for (const answer of Object.values(forms)) {
      const { content, calls } = await ask(await serverSaying(t, answer), 200);
      assert.equal(content, "");
      assert.deepEqual(
        calls.map((call) => [call.name, asObject(call.arguments)]),
        [["HassTurnOn", { name: "Kitchen" }]],
        answer,
      );
    }
  });

  test(`${protocol}: a call that is cut is nowhere text, never whole, and named in the status`, async (t) => {
    for (const answer of Object.values(forms)) {
      const server = await serverSaying(t, answer);
      const braces = answer.lastIndexOf("}}"); // with the second one the call is whole
      for (let most = 1; most <= braces + 1; most += 7) {
        const { content, calls, reason } = await ask(server, most);
        assert.deepEqual([content, reason], ["", "length"], answer.slice(0, most));
        for (const call of calls) assert.throws(() => asObject(call.arguments), SyntaxError, answer.slice(0, most));
        if (protocol.startsWith("ollama")) assert.deepEqual(calls, []);
      }
    }
  });
}

/** Names a tool that there is not, and goes on with one that there is where a call is begun for it. */
async function serverMisnaming(t: TestContext, misnamed: string) {
  const begun = '<tool_call>\n{"name":';
  const first = scripted(misnamed);
  const second = scripted(forms.marked.slice(begun.length));
  const next: typeof first = (history, answered) =>
    (Buffer.from(history).includes(begun) ? second : first)(history, answered);
  return startServer(t, { fake: { chatTemplate, next } });
}

const misnamed = {
  bare: '{"name": "Kitchen Lights", "arguments": {"state": "on"}}',
  indented: '{\n  "name": "Hass",\n  "parameters": {\n    "state": "on"\n  }\n}',
  block: '```json\n{"name": "turn_on", "arguments": {"state": "on"}}\n```',
};

for (const [protocol, ask] of Object.entries(protocols)) {
  test(`${protocol}: a call of a tool that there is not is asked for again, and nothing of it is said`, async (t) => {
    for (const answer of Object.values(misnamed)) {
      const { content, calls } = await ask(await serverMisnaming(t, answer), 200);
      assert.equal(content, "", answer);
      assert.deepEqual(
        calls.map((call) => [call.name, asObject(call.arguments)]),
        [["HassTurnOn", { name: "Kitchen" }]],
        answer,
      );
    }
  });

  test(`${protocol}: JSON that only begins as a call is text in full`, async (t) => {
    for (const answer of ['{"name": "Bob", "age": 5}', '{"name": "Bob", "arguments": []}', '{"name": "a"}']) {
      const { content, calls } = await ask(await serverMisnaming(t, answer), 200);
      assert.deepEqual([content, calls], [answer, []]);
    }
  });
}

test("an answer that was asked for twice counts the tokens of both, and no more than were asked for", async (t) => {
  const server = await serverMisnaming(t, misnamed.bare);
  const count = async (most: number) => {
    const body = { model: "default", messages, tools, max_tokens: most };
    return ((await (await server.post("/v1/chat/completions", body)).json()) as Event).usage.completion_tokens;
  };
  const wasted = misnamed.bare.indexOf('{"state') + 1;
  assert.equal(await count(wasted + 10), wasted + 10);
  assert.ok((await count(200)) > wasted + 10);
});

test("a call that breaks off by itself has the reason of a cut one", async (t) => {
  const server = await serverSaying(t, '<tool_call>{"name": "HassTurnOn", "arguments": {"name": ]');
  for (const ask of [protocols.chat, protocols["chat, streamed"]]) {
    assert.equal((await ask?.(server, 200))?.reason, "length");
  }
});

test("a conversation goes on from a response whose call was cut", async (t) => {
  const server = await serverSaying(t, forms.marked);
  const input = { tools: [{ type: "function", name: "HassTurnOn", parameters }] };
  const client = await server.connect();
  const cut = (await client.ask({ ...input, input: "Light on", max_output_tokens: 60 })).at(-1)?.response;
  assert.equal(cut.output[0].type, "function_call");
  const next = await client.ask({ ...input, input: "Again", previous_response_id: cut.id });
  assert.equal(next.at(-1)?.type, "response.completed", JSON.stringify(next.at(-1)));
});

test("tools whose grammar is too large with calls without marks are held to the one without, and such calls checked", async (t) => {
  for (const [answer, calls] of [
    [object, 1],
    [object.replace('"Kitchen"', "5"), 0],
  ] as const) {
    const server = await serverSaying(t, answer);
    const [model] = server.module.models;
    assert.ok(model);
    const compile = model.compileGrammar.bind(model);
    let refused = 0;
    model.compileGrammar = (gbnf) => {
      if (!gbnf.includes("unmarked")) return compile(gbnf);
      refused++;
      return Promise.reject(new HearthError("GRAMMAR_TOO_COMPLEX", "too large"));
    };
    const got = await protocols.chat?.(server, 200);
    assert.deepEqual([refused, got?.calls.length, got?.content], [1, calls, calls === 1 ? "" : answer]);
  }
});

/** A conversation in which the model made one call `times` times and the user spoke then, in the fields of each protocol. */
function repeated(path: string, times: number, again: object[] = []): object {
  const call = { name: "HassTurnOn", arguments: path === "/api/chat" ? { name: "Kitchen" } : '{"name": "Kitchen"}' };
  const rounds = (round: object[]) => [...messages, ...Array.from({ length: times }, () => round).flat(), ...again];
  if (path === "/v1/responses") {
    const round = [
      { type: "function_call", call_id: "call_1", ...call },
      { type: "function_call_output", call_id: "call_1", output: "done" },
    ];
    return { model: "fake", input: rounds(round), tools: tools.map(({ type, function: tool }) => ({ type, ...tool })) };
  }
  const calls = [{ id: "call_1", type: "function", function: call }];
  const result = { role: "tool", content: "done", tool_call_id: "call_1" };
  const round = [{ role: "assistant", content: "", tool_calls: calls }, result];
  return { model: "fake", messages: rounds(round), tools, stream: false };
}

for (const path of ["/v1/chat/completions", "/v1/responses", "/api/chat"]) {
  test(`${path}: a model that makes one call over and over has to answer in words, unless somebody wants the call`, async (t) => {
    const grammarOf = async (body: object, config = {}) => {
      const fake = { chatTemplate, next: scripted("It is on.") };
      const server = await startServer(t, { fake, config: { "context.tokens": 4096, ...config } });
      const response = await server.post(path, body);
      assert.equal(response.status, 200, await response.text());
      return server.module.models[0]?.grammars.at(-1) ?? "";
    };
    assert.match(await grammarOf(repeated(path, 5)), /^root ::= .*\nwords ::= /);
    assert.match(await grammarOf(repeated(path, 4)), /HassTurnOn/);
    assert.match(await grammarOf(repeated(path, 5, [{ role: "user", content: "Again!" }])), /HassTurnOn/);
    assert.match(await grammarOf(repeated(path, 5), { "limits.call_repeats": 6 }), /HassTurnOn/);
    assert.match(await grammarOf(repeated(path, 5), { "limits.call_repeats": 0 }), /HassTurnOn/);
    const required = { ...repeated(path, 5), tool_choice: "required" };
    if (path !== "/api/chat") assert.match(await grammarOf(required), /HassTurnOn|"name"/);
  });
}

for (const [name, ask] of Object.entries(protocols)) {
  test(`${name}: an answer ends with five calls in a row that are the same, and none is left out that is not`, async (t) => {
    const same = Array.from({ length: 8 }, () => forms.marked);
    const other = forms.marked.replace("Kitchen", "Hall");
    const callsOf = async (answer: string[], config = {}) => {
      const fake = { chatTemplate, next: scripted(answer.join("\n")) };
      const server = await startServer(t, { fake, config: { "context.tokens": 8192, ...config } });
      const { calls, reason } = await ask(server, 4000);
      assert.match(reason, /^(tool_calls|stop|completed)$/);
      return calls.length;
    };
    assert.equal(await callsOf(same), 5);
    assert.equal(await callsOf(same, { "limits.call_repeats": 0 }), 8);
    assert.equal(await callsOf([...same.slice(0, 4), other, ...same.slice(0, 4)]), 9);
  });
}
