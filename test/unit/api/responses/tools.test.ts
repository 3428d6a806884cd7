/** Tool calls and reasoning through the Responses API, on the fake engine. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { fakeTokens, type NextToken } from "../../../fake-engine/module.js";
import { type Event, readEvents, startServer } from "../../../helpers/server.js";

const chatTemplate =
  "{% if tools %}[tools]{% for t in tools %}{{ t | tojson }}{% endfor %}\n{% endif %}" +
  "{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}" +
  '{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": ' +
  "{{ c.function.arguments | tojson }}}</tool_call>{% endfor %}<|end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}[assistant]{% endif %}{{ '<|off|>' if enable_thinking is defined and not enable_thinking }}";

const tools = [
  {
    type: "function",
    name: "HassTurnOn",
    description: "Turns on a device",
    parameters: { type: "object", properties: { name: { type: "string" } } },
    strict: false,
  },
  { type: "function", name: "GetDateTime" },
];
const call = (name: string, args: string) => `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;

/** A server whose model gives these answers, one after the other. */
async function serverOf(t: TestContext, ...answers: string[]) {
  let prompts = 0;
  const next: NextToken = (_history, answered) => {
    if (answered === 0) prompts++;
    return Buffer.from(answers[prompts - 1] ?? "")[answered] ?? fakeTokens.eos;
  };
  const server = await startServer(t, { fake: { chatTemplate, next } });
  const [model] = server.module.models;
  assert.ok(model);
  const encode = model.encode.bind(model);
  let pieces: readonly (string | number)[] = [];
  model.encode = (given) => {
    pieces = given;
    return encode(given);
  };
  /** The prompt of the last request, as text. */
  const prompt = () => pieces.map((piece) => (piece === fakeTokens.turnEnd ? "<|end|>" : piece)).join("");
  return { server, prompt };
}

const types = (events: readonly Event[]) => events.map(({ type }) => type);

test("a call: item, arguments as they come, and the item again, complete", async (t) => {
  const { server } = await serverOf(t, call("HassTurnOn", '{"name": "Kitchen Light"}'));
  const client = await server.connect();
  const events = await client.ask({ input: "Kitchen light on", tools });
  const added = events.find(({ type }) => type === "response.output_item.added");
  assert.equal(added?.output_index, 0);
  assert.match(added?.item.call_id, /^call_[0-9a-f]{24}$/);
  const item = { ...added?.item, status: "completed", arguments: '{"name": "Kitchen Light"}' };
  assert.deepEqual(added?.item, { ...item, status: "in_progress", arguments: "" });
  const deltas = events.filter(({ type }) => type === "response.function_call_arguments.delta");
  assert.ok(deltas.length > 5 && deltas.every(({ item_id: id }) => id === item.id));
  assert.equal(deltas.map(({ delta }) => delta).join(""), item.arguments);
  const [first, second, third] = events.slice(-3);
  assert.deepEqual(
    [first?.type, first?.name, first?.arguments],
    ["response.function_call_arguments.done", "HassTurnOn", item.arguments],
  );
  assert.deepEqual([second?.type, second?.item], ["response.output_item.done", item]);
  assert.deepEqual(third?.response.output, [item]);
  assert.deepEqual(third?.response.tools, [
    tools[0],
    { type: "function", name: "GetDateTime", description: null, parameters: null, strict: false },
  ]);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, i) => i),
  );
});

test("reasoning, words and two calls are items of their own, in their order", async (t) => {
  const answer = `<think>Two.</think>\n\nAt once. ${call("GetDateTime", "{}")}\n${call("HassTurnOn", '{"name":"x"}')}`;
  const { server } = await serverOf(t, answer);
  const { events, last } = await readEvents(await server.post("/v1/responses", { input: "x", tools, stream: true }));
  assert.equal(last, "[DONE]");
  const parts = (name: string, count: number) => Array<string>(count).fill(name);
  const steps = types(events).filter((type, i, all) => type !== all[i - 1]);
  assert.deepEqual(steps, [
    ...["response.created", "response.in_progress"],
    ...["response.output_item.added", "response.content_part.added", "response.reasoning_text.delta"],
    ...["response.reasoning_text.done", "response.content_part.done", "response.output_item.done"],
    ...["response.output_item.added", "response.content_part.added", "response.output_text.delta"],
    ...["response.output_text.done", "response.content_part.done", "response.output_item.done"],
    ...parts("call", 2).flatMap(() => [
      ...["response.output_item.added", "response.function_call_arguments.delta"],
      ...["response.function_call_arguments.done", "response.output_item.done"],
    ]),
    "response.completed",
  ]);
  const response = events.at(-1)?.response;
  const [reasoning, message, ...calls] = response.output;
  assert.deepEqual(reasoning, {
    id: reasoning.id,
    type: "reasoning",
    status: "completed",
    summary: [],
    content: [{ type: "reasoning_text", text: "Two." }],
  });
  assert.equal(message.content[0].text, "At once.");
  assert.deepEqual(
    calls.map(({ name, arguments: args }: Event) => [name, args]),
    [
      ["GetDateTime", "{}"],
      ["HassTurnOn", '{"name":"x"}'],
    ],
  );
  assert.equal(response.usage.output_tokens_details.reasoning_tokens, "Two.</think>".length);
});

test("a result goes back by previous_response_id, or with the whole conversation: the model sees the same", async (t) => {
  const { server, prompt } = await serverOf(
    t,
    `<think>On.</think>${call("HassTurnOn", '{"name": "Lamp"}')}`,
    "Done.",
    "Done.",
  );
  const first = (await (await server.post("/v1/responses", { input: "Lamp on", tools })).json()) as Event;
  const [, called] = first.output;
  const result = { type: "function_call_output", call_id: called.call_id, output: '{"success": true}' };
  const next = { tools, previous_response_id: first.id, input: [result] };
  const second = (await (await server.post("/v1/responses", next)).json()) as Event;
  assert.equal(second.output[0].content[0].text, "Done.");
  const expected =
    '[user]Lamp on<|end|>\n[assistant]<think>On.</think><tool_call>{"name": "HassTurnOn", "arguments": {"name": "Lamp"}}</tool_call><|end|>\n' +
    '[tool]{"success": true}<|end|>\n[assistant]';
  assert.ok(prompt().endsWith(expected), prompt());
  const whole = [
    { role: "user", content: "Lamp on" },
    ...first.output,
    { ...result, output: [{ type: "input_text", text: result.output }] },
  ];
  await server.post("/v1/responses", { tools, input: whole });
  assert.ok(prompt().endsWith(expected), prompt());
});

test("an output without its call is refused", async (t) => {
  const { server } = await serverOf(t);
  const input = [{ type: "function_call_output", call_id: "call_1", output: "x" }];
  const response = await server.post("/v1/responses", { input });
  assert.equal(response.status, 400);
  const { error } = (await response.json()) as Event;
  assert.deepEqual([error.code, error.param], ["invalid_value", "input[0].call_id"]);
});

test("tool_choice: none tells of no tool, allowed_tools of some, a function begins its call", async (t) => {
  const { server, prompt } = await serverOf(t, "a", "b", ' {"name": "x"}}\n</tool_call>', call("GetDateTime", "{}"));
  const ask = async (more: object) =>
    (await (await server.post("/v1/responses", { input: "x", tools, ...more })).json()) as Event;
  await ask({ tool_choice: "none" });
  assert.ok(!prompt().includes("HassTurnOn"));
  const allowed = { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "GetDateTime" }] };
  const echoed = await ask({ tool_choice: allowed });
  assert.deepEqual(echoed.tool_choice, allowed);
  assert.ok(prompt().includes("GetDateTime") && !prompt().includes("HassTurnOn"));
  const { output } = await ask({ tool_choice: { type: "function", name: "HassTurnOn" } });
  assert.ok(prompt().endsWith('[assistant]<|off|><tool_call>\n{"name": "HassTurnOn", "arguments":'), prompt());
  assert.deepEqual([output.length, output[0].name, JSON.parse(output[0].arguments)], [1, "HassTurnOn", { name: "x" }]);
});

test("without parallel_tool_calls the answer ends with its first call", async (t) => {
  const { server } = await serverOf(t, call("GetDateTime", "{}").repeat(3));
  const response = await server.post("/v1/responses", { input: "x", tools, parallel_tool_calls: false });
  const { output, status } = (await response.json()) as Event;
  assert.deepEqual([output.length, status], [1, "completed"]);
});

test("calls that the reasoning ends with are carried out, and one where one is wanted", async (t) => {
  const reasoning = `<think>Hm. ${call("GetDateTime", "{}").repeat(2)}`;
  const { server } = await serverOf(t, reasoning, `${reasoning}</think>`);
  for (const [parallel, calls] of [
    [true, 2],
    [false, 1],
  ] as const) {
    const response = await server.post("/v1/responses", { input: "x", tools, parallel_tool_calls: parallel });
    const { output } = (await response.json()) as Event;
    assert.deepEqual(
      output.map(({ type }: Event) => type),
      ["reasoning", ...Array(calls).fill("function_call")],
    );
    assert.equal(output[0].content[0].text, "Hm.");
  }
});

test("a call that breaks off is incomplete and says why", async (t) => {
  const { server } = await serverOf(t, '<tool_call>{"name": "GetDateTime", "arguments": {"a": ]');
  const broken = (await (await server.post("/v1/responses", { input: "x", tools })).json()) as Event;
  assert.equal(broken.status, "incomplete");
  assert.deepEqual(broken.incomplete_details, { reason: "malformed_tool_call" });
  assert.deepEqual([broken.output[0].type, broken.output[0].status], ["function_call", "incomplete"]);
});

test("what begins as a call and is none is text", async (t) => {
  const { server } = await serverOf(t, "<tool_call>Sorry!</tool_call>");
  const words = (await (await server.post("/v1/responses", { input: "x", tools })).json()) as Event;
  assert.deepEqual([words.status, words.output[0].content[0].text], ["completed", "<tool_call>Sorry!"]);
});

test("a call that is cut at max_output_tokens is incomplete", async (t) => {
  const { server } = await serverOf(t, call("HassTurnOn", '{"name": "Kitchen Light"}'));
  const response = await server.post("/v1/responses", { input: "x", tools, max_output_tokens: 60 });
  const { output, status, incomplete_details: details } = (await response.json()) as Event;
  assert.deepEqual([output[0].type, output[0].status, status], ["function_call", "incomplete", "incomplete"]);
  assert.deepEqual(details, { reason: "max_output_tokens" });
});

test("stop texts end words, and neither reasoning nor arguments", async (t) => {
  const { server } = await serverOf(
    t,
    `<think>a STOP</think>${call("HassTurnOn", '{"name": "STOP"}')} words STOP more`,
  );
  const response = await server.post("/v1/responses", { input: "x", tools, stop: "STOP" });
  const [reasoning, called, message] = ((await response.json()) as Event).output;
  assert.deepEqual(
    [reasoning.content[0].text, called.arguments, message.content[0].text],
    ["a STOP", '{"name": "STOP"}', "words "],
  );
});

test("reasoning.effort none turns reasoning off", async (t) => {
  const { server, prompt } = await serverOf(t, "a", "b");
  await server.post("/v1/responses", { input: "x", reasoning: { effort: "none" } });
  assert.ok(prompt().endsWith("<|off|>"));
  await server.post("/v1/responses", { input: "y", reasoning: { effort: "low" } });
  assert.ok(!prompt().endsWith("<|off|>"));
});

test("an answer in JSON may be a call instead", async (t) => {
  const { server } = await serverOf(t);
  const format = { type: "json_object" };
  assert.equal((await server.post("/v1/responses", { input: "x", tools, text: { format } })).status, 200);
  const grammar = server.module.models[0]?.grammars.at(-1) ?? "";
  assert.match(grammar, /^root ::= .*object.*opened/);
});

test("an answer by a grammar has no place for calls", async (t) => {
  const { server } = await serverOf(t);
  const format = { type: "grammar", syntax: "gbnf", definition: 'root ::= "x"' };
  const response = await server.post("/v1/responses", { input: "x", tools, text: { format } });
  const { error } = (await response.json()) as Event;
  assert.deepEqual([response.status, error.code, error.param], [400, "unsupported_parameter", "tools"]);
});

test("tools with bad names, twice the same, or schemas without an end are refused", async (t) => {
  const { server } = await serverOf(t);
  const parameters = JSON.parse(`${'{"a":'.repeat(500)}{}${"}".repeat(500)}`);
  const bad: [tools: unknown[], param: string][] = [
    [[{ type: "function", name: "a b" }], "tools[0].name"],
    [[{ type: "function", name: "<|end|>" }], "tools[0].name"],
    [[tools[1], tools[1]], "tools"],
    [[{ type: "function", name: "f", parameters }], "tools[0].parameters"],
  ];
  for (const [given, param] of bad) {
    const response = await server.post("/v1/responses", { input: "x", tools: given });
    const { error } = (await response.json()) as Event;
    assert.deepEqual([response.status, error.code, error.param], [400, "invalid_value", param]);
  }
});
