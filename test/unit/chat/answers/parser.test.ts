import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerFormat, detectFormat } from "../../../../src/chat/answers/formats.js";
import { AnswerParser } from "../../../../src/chat/answers/parser.js";
import type { Tool } from "../../../../src/chat/messages.js";
import { read } from "../../../helpers/answers.js";

const tools: Tool[] = [
  { name: "f", parameters: { type: "object", properties: { a: { type: "string" }, n: { type: "integer" } } } },
  { name: "g" },
];

const formats = {
  hermes: detectFormat("<tool_call> </think>", []),
  xml: detectFormat("<tool_call><function= <think>", []),
  llama: detectFormat('"parameters": ', []),
  mistral: detectFormat("[TOOL_CALLS] [ARGS] [THINK]", []),
  granite: detectFormat("<|tool_call|> <think></think><response>", []),
  lfm: detectFormat("List of tools: [", []),
  gemma: detectFormat("<|tool_call>call: <|channel>thought", []),
  deepseek: detectFormat("<｜tool▁calls▁begin｜> </think>", []),
  none: detectFormat("", []),
};

const f = (args: unknown = { a: "b" }) => ({ name: "f", arguments: args });
const g = { name: "g", arguments: {} };

interface Expected {
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly unknown[];
}

const cases: readonly [format: keyof typeof formats, answer: string, expected: Expected][] = [
  ["hermes", "Hello <b>\n", { text: "Hello <b>\n" }],
  ["hermes", '<tool_call>\n{"name": "f", "arguments": {"a": "b"}}\n</tool_call>', { calls: [f()] }],
  ["hermes", '<tool_call>{"arguments":{"a":"b"},"name":"f"}</tool_call>', { calls: [f()] }],
  ["hermes", '<tool_call>{"name":"f","arguments":"{\\"a\\":\\"b\\"}"}</tool_call>', { calls: [f()] }],
  [
    "hermes",
    '<tool_call>{"type":"function","function":{"name":"f","arguments":{"a":"b"}}}</tool_call>',
    { calls: [f()] },
  ],
  ["hermes", '<tool_call>{"name": "g"}</tool_call>', { calls: [g] }],
  [
    "hermes",
    '<tool_call>[{"name":"f","arguments":{"a":"b"}}, {"name":"g","arguments":{}}]</tool_call>',
    { calls: [f(), g] },
  ],
  [
    "hermes",
    'Two:\n\n<tool_call>\n{"name":"f","arguments":{"a":"}\\"<"}}\n</tool_call>\n<tool_call>\n{"name":"g","arguments":{}}\n</tool_call>\n',
    { text: "Two:", calls: [f({ a: '}"<' }), g] },
  ],
  [
    "hermes",
    '<tool_call>{"name":"f","arguments":{"a":"x\ny","n":True}}</tool_call>',
    { calls: [f({ a: "x\ny", n: true })] },
  ],
  ["hermes", "<think>\nHm.\n</think>\n\nHi!", { reasoning: "Hm.", text: "Hi!" }],
  ["hermes", "<think>\n\n</think>\n\nHi!", { text: "Hi!" }],
  ["hermes", '<think>a</think>\n<tool_call>{"name":"g"}</tool_call>', { reasoning: "a", calls: [g] }],
  ["hermes", "Write <think> to think", { text: "Write <think> to think" }],
  ["hermes", "<think>unfinished </th", { reasoning: "unfinished </th" }],
  ["hermes", "a < b <tool_cal", { text: "a < b <tool_cal" }],
  ["hermes", "<tool_call>no JSON</tool_call> x", { text: "<tool_call>no JSON x" }],
  ["hermes", '<tool_call>{"name": 5}</tool_call>', { text: '<tool_call>{"name": 5}' }],
  ["hermes", '<tool_call>oops<tool_call>{"name":"g"}</tool_call>', { text: "<tool_call>oops", calls: [g] }],
  ["hermes", '<tool_call>{"name":"g"}</tool_ca', { calls: [g] }],
  ["hermes", '<tool_call>{"name":"f","arguments":{"a":', { calls: ["incomplete"] }],
  ["hermes", '<tool_call>{"name":"f","arguments":{"a":]', { calls: ["incomplete"], text: "]" }],
  ["hermes", '<tool_call>{"name":"f"', { text: '<tool_call>{"name":"f"' }],
  [
    "xml",
    "<think>\nHm\n</think>\n\n<tool_call>\n<function=f>\n<parameter=a>\n5\nlines\n</parameter>\n<parameter=n>\n5\n</parameter>\n</function>\n</tool_call>",
    { reasoning: "Hm", calls: [f({ a: "5\nlines", n: 5 })] },
  ],
  [
    "xml",
    "<tool_call>\n<function=f>\n<parameter=a>\n5\n</parameter>\n</function>\n</tool_call>",
    { calls: [f({ a: "5" })] },
  ],
  ["xml", "<function=g>\n</function>\n</tool_call>", { calls: [g] }],
  ["xml", '<tool_call>{"name":"g","arguments":{}}</tool_call>', { calls: [g] }],
  ["xml", "<tool_call>\n<function=f>\n<parameter=a>\nhal", { text: "<tool_call>\n<function=f>\n<parameter=a>\nhal" }],
  ["xml", "<tool_call>\n<b>x</tool_call>", { text: "<tool_call>\n<b>x" }],
  [
    "xml",
    '<tool_call>\n<function=f>\n<parameter=list>\n["</parameter>", "a", True]\n</parameter>\n</function>\n<function=g>\n</function>\n</tool_call>',
    { calls: [f({ list: ["</parameter>", "a", true] }), g] },
  ],
  [
    "xml",
    "<tool_call><function=f><parameter=a>x<parameter=n>5</function></tool_call>",
    { calls: [f({ a: "x", n: 5 })] },
  ],
  ["xml", "<function=f>\n<parameter=a>\n\n\n x\n\n</parameter>\n</tool_call>", { calls: [f({ a: "\n\n x\n" })] }],
  ["xml", "<tool_call><function=g></function></tool_ca", { calls: [g] }],
  ["llama", '{"name": "f", "parameters": {"a": "b"}}', { calls: [f()] }],
  ["llama", '<|python_tag|>{"name": "f", "parameters": {"a": "b"}}', { calls: [f()] }],
  ["llama", '{"name":"f","parameters":{"a":"b"}}; {"name":"g","parameters":{}}', { calls: [f(), g] }],
  ["llama", '{"name": "unknown", "parameters": {}}', { text: '{"name": "unknown", "parameters": {}}' }],
  ["llama", '{"answer": {"name": "f"}}', { text: '{"answer": {"name": "f"}}' }],
  ["llama", 'See {"name": "f", "parameters": {}}', { text: 'See {"name": "f", "parameters": {}}' }],
  ["mistral", '[TOOL_CALLS]f[ARGS]{"a": "b"}[TOOL_CALLS]g[ARGS]{}', { calls: [f(), g] }],
  ["mistral", '[TOOL_CALLS]f[CALL_ID]123[ARGS]{"a": "b"}', { calls: [f()] }],
  ["mistral", '[TOOL_CALLS]f{"a": "b"}', { calls: [f()] }],
  [
    "mistral",
    '[TOOL_CALLS] [{"name": "f", "arguments": {"a": "b"}, "id": "1"}, {"name":"g","arguments":{}}]',
    { calls: [f(), g] },
  ],
  ["mistral", "[THINK]Hm[/THINK]Hi [b]", { reasoning: "Hm", text: "Hi [b]" }],
  ["mistral", "[TOOL_CALLS]not a name {", { text: "[TOOL_CALLS]not a name {" }],
  ["granite", '<|tool_call|>[{"name": "f", "arguments": {"a": "b"}}]', { calls: [f()] }],
  [
    "granite",
    '<|tool_call|> [{"name": "f", "arguments": {"a": "b"}}, {"name": "g"}]<|/tool_call|>',
    { calls: [f(), g] },
  ],
  ["granite", "<think>Hm</think><response>Hi</response>", { reasoning: "Hm", text: "Hi" }],
  ["granite", "<|tool_call|>[nothing]", { text: "<|tool_call|>[nothing]" }],
  ["lfm", `<|tool_call_start|>[f(a="b"), g()]<|tool_call_end|>Done.`, { calls: [f(), g], text: "Done." }],
  [
    "lfm",
    `<|tool_call_start|>[f(a='it\\'s', b=[1, -2.5, True], c={"d": None})]<|tool_call_end|>`,
    { calls: [f({ a: "it's", b: [1, -2.5, true], c: { d: null } })] },
  ],
  ["lfm", '<|tool_call_start|>[{"name": "g", "arguments": {}}]<|tool_call_end|>', { calls: [g] }],
  ["lfm", "<|tool_call_start|>[f(a=)]<|tool_call_end|>", { text: "<|tool_call_start|>[f(a=)]<|tool_call_end|>" }],
  ["gemma", '<|tool_call>call:f{a:<|"|>b<|"|>}<tool_call|><|tool_call>call:g{}<tool_call|>', { calls: [f(), g] }],
  [
    "gemma",
    '<|channel>thought\nHm\n<channel|><|tool_call>call:f{a:{x:[1,true],<|"|>y z<|"|>:None},n:<|"|>{,}<|"|>}<tool_call|>',
    { reasoning: "Hm", calls: [f({ a: { x: [1, true], "y z": null }, n: "{,}" })] },
  ],
  ["gemma", "<|tool_call>call:f{<tool_call|>", { text: "<|tool_call>call:f{<tool_call|>" }],
  [
    "deepseek",
    'Hm</think>\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"a": "b"}\n```<｜tool▁call▁end｜>\n' +
      "<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    { text: "Hm</think>", calls: [f(), g] },
  ],
  ["deepseek", '<｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": "b"}<｜tool▁call▁end｜>', { calls: [f()] }],
  ["none", "  <think> {", { text: "<think> {" }],
];

for (const [name, answer, expected] of cases) {
  test(`${name}: ${JSON.stringify(answer)}`, () => {
    for (const size of [1, 2, 3, 7, answer.length]) {
      const { text, reasoning, calls } = read(formats[name], tools, answer, size);
      assert.deepEqual(
        { text, reasoning, calls },
        { text: "", reasoning: "", calls: [], ...expected },
        `in pieces of ${size}`,
      );
    }
  });
}

test("an answer that can hold nothing but text is left as it is", () => {
  assert.equal(read(formats.none, [], "\n  <tool_call> \n", 1).text, "\n  <tool_call> \n");
});

test("reasoning that the prompt has opened ends where the model ends it", () => {
  const { reasoning, text } = read(formats.hermes, [], "Hm.\n</think>\n\nHi", 1, true);
  assert.deepEqual([reasoning, text], ["Hm.", "Hi"]);
});

test("without tools no marker is a call", () => {
  const answer = '<tool_call>{"name":"f"}</tool_call>';
  assert.equal(read(formats.hermes, [], answer, 1).text, answer);
  assert.equal(read(formats.llama, [], '{"name":"f","parameters":{}}', 1).text, '{"name":"f","parameters":{}}');
});

test("text and reasoning stream as soon as they are sure, and half a marker never does", () => {
  const parser = new AnswerParser(formats.hermes, { tools, inReasoning: false });
  const pushed = (text: string) => parser.push(text).map((event) => ("text" in event ? event.text : event.type));
  assert.deepEqual(pushed("<thi"), []);
  assert.deepEqual(pushed("nk>So"), ["So"]);
  assert.deepEqual(pushed(" it </"), [" it"]);
  assert.deepEqual(pushed("b is </think> Yes <tool"), [" </b is", "Yes"]);
  assert.deepEqual(pushed('_call>{"name":"f","arguments": {"a"'), ["call", '{"a"']);
  assert.deepEqual(pushed(':"b"}}'), [':"b"}', "callEnd"]);
  assert.deepEqual(pushed("</tool_call>"), []);
  assert.deepEqual(parser.finish(), []);
});

test("random text never breaks a parser, and comes out the same however it is cut", () => {
  const parts = [
    ...[
      "<tool_call>",
      "</tool_call>",
      "<think>",
      "</think>",
      "<function=f>",
      "<parameter=a>",
      "</parameter>",
      "</function>",
    ],
    ...[
      '{"name":',
      '"f"',
      ',"arguments":',
      "{",
      "}",
      "[",
      "]",
      '"',
      "\\",
      "\n",
      " ",
      "1",
      "-",
      "True",
      "a",
      ":",
      ",",
      "é😀",
    ],
    ...[
      "<|tool_call|>",
      "[TOOL_CALLS]",
      "[ARGS]",
      "<|tool_call_start|>",
      "f(a=",
      ")",
      "<|tool_call_end|>",
      "<|tool_call>",
    ],
    ...[
      "call:f",
      '<|"|>',
      "<tool_call|>",
      "<｜tool▁call▁begin｜>",
      "<｜tool▁sep｜>",
      "```json",
      "<|channel>thought",
      "<channel|>",
    ],
    ...['{"name": "g", "arguments": {}}', "```", "<tools>", "</tools>", ";", "</think>", "<tool_call>"],
  ];
  let seed = 11;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % n;
  };
  const all: AnswerFormat[] = Object.values(formats);
  for (let round = 0; round < 4000; round++) {
    const answer = Array.from({ length: 1 + random(14) }, () => parts[random(parts.length)] ?? "").join("");
    const format = all[random(all.length)] ?? formats.none;
    const options = { isHeld: random(2) === 0, isCut: random(2) === 0 };
    const inReasoning = random(4) === 0;
    const whole = read(format, tools, answer, answer.length, inReasoning, options);
    assert.deepEqual(read(format, tools, answer, 1, inReasoning, options), whole, answer);
    for (const call of whole.calls) assert.ok(call === "incomplete" || typeof call === "object");
  }
});

test("events of a call come in their order", () => {
  const parser = new AnswerParser(formats.xml, { tools, inReasoning: false });
  const events = parser.push("<tool_call><function=g></function></tool_call>");
  const [begun, ...more] = events;
  assert.ok(begun?.type === "call" && begun.name === "g" && /^call_[0-9a-f]{24}$/.test(begun.id));
  assert.deepEqual(more, [
    { type: "arguments", text: "{}" },
    { type: "callEnd", complete: true },
  ]);
});
