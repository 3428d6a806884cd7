/** Calls without the marks of the model's family, with marks that are slightly wrong, in reasoning, and cut by a limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { detectFormat } from "../../../../src/chat/answers/formats.js";
import { AnswerParser } from "../../../../src/chat/answers/parser.js";
import type { Tool } from "../../../../src/chat/messages.js";
import { type ReadOptions, read } from "../../../helpers/answers.js";
import { processorMs } from "../../../helpers/processor-time.js";

const tools: Tool[] = [
  {
    name: "set_timer",
    parameters: {
      type: "object",
      properties: { minutes: { type: "integer", minimum: 1 }, label: { type: "string" } },
      required: ["minutes"],
    },
  },
  { name: "clock" },
];

const formats = {
  hermes: detectFormat("<tool_call> <think>", []),
  xml: detectFormat("<tool_call><function= <think>", []),
  llama: detectFormat('"parameters": ', []),
  mistral: detectFormat("[TOOL_CALLS] [ARGS] [THINK]", []),
  "mistral-list": detectFormat("[TOOL_CALLS]", []),
  list: detectFormat("<|tool_call|> <think></think><response>", []),
  lfm: detectFormat("<|tool_call_start|> <think>", []),
  gemma: detectFormat("<|tool_call>call: <|channel>thought", []),
  deepseek: detectFormat("<｜tool▁calls▁begin｜> <think>", []),
};
type Family = keyof typeof formats;
const families = Object.keys(formats) as Family[];

const timer = { name: "set_timer", arguments: { minutes: 10 } };
const clock = { name: "clock", arguments: {} };
const call = '{"name": "set_timer", "arguments": {"minutes": 10}}';
const pretty = '{\n  "name": "set_timer",\n  "parameters": {\n    "minutes": 10\n  }\n}';

/** The answer as it is read, which does not depend on how it is cut into pieces. */
function readAll(family: Family, answer: string, options: ReadOptions = {}) {
  const whole = read(formats[family], tools, answer, answer.length, false, options);
  for (const size of [1, 3])
    assert.deepEqual(read(formats[family], tools, answer, size, false, options), whole, answer);
  return whole;
}

const unmarked: readonly (readonly [form: string, answer: string, calls: readonly unknown[]])[] = [
  ["bare", call, [timer]],
  ["bare, indented, with `parameters`", pretty, [timer]],
  ["with white space around", `\n ${call}\n\n`, [timer]],
  ["in a list", `[${call}, {"name": "clock", "arguments": {}}]`, [timer, clock]],
  ["one on each line", `${call}\n{"name": "clock", "arguments": {}}`, [timer, clock]],
  ["with empty fences behind it", `${call}  \`\`\`\`\`\`\n`, [timer]],
  ["one after the other with semicolons", `${call}; ${call}`, [timer, timer]],
  ["in a block of JSON", `\`\`\`json\n${pretty}\n\`\`\``, [timer]],
  ["in a block without a word", `\`\`\`\n${call}\n\`\`\`\n`, [timer]],
  ["in a block that is not closed", `\`\`\`json\n${call}`, [timer]],
  ["in two blocks", `\`\`\`json\n${call}\n\`\`\`\n\n\`\`\`json\n${call}\n\`\`\``, [timer, timer]],
  ["in <tools>", `<tools>\n${call}\n</tools>`, [timer]],
  ["in <function_call>", `<function_call>${call}</function_call>`, [timer]],
  ["in <tool_calls>, as a list", `<tool_calls>\n[${call}]\n</tool_calls>`, [timer]],
  ["in tags within a block", `\`\`\`xml\n<tools>\n${call}\n</tools>\n\`\`\``, [timer]],
  ["with its members in another order", '{"arguments": {"minutes": 10}, "name": "set_timer"}', [timer]],
  ["as OpenAI writes it", `{"type": "function", "function": ${call}}`, [timer]],
  ["with arguments as text", '{"name": "set_timer", "arguments": "{\\"minutes\\": 10}"}', [timer]],
  ["without arguments", '{"name": "clock"}', [clock]],
];

for (const [form, answer, calls] of unmarked) {
  test(`a call ${form} is a call in every family`, () => {
    for (const family of families) {
      assert.deepEqual(readAll(family, answer), { text: "", reasoning: "", calls }, family);
    }
  });
}

const texts: readonly (readonly [what: string, answer: string])[] = [
  ["prose with a call in it", `Use ${call} for that.`],
  ["a call with prose behind it", `${call}\n\nThis sets the timer.`],
  ["a block with prose behind it", `\`\`\`json\n${call}\n\`\`\`\nThis sets the timer.`],
  ["prose between two calls", `${call}\nand\n${call}`],
  ["a tool that is not offered", '{"name": "open_door", "arguments": {"door": "front"}}'],
  ["a tool whose name goes on", '{"name": "set_timer_at", "arguments": {}}'],
  ["arguments that do not hold the schema", '{"name": "set_timer", "arguments": {"minutes": "ten"}}'],
  ["arguments below the least value", '{"name": "set_timer", "arguments": {"minutes": 0}}'],
  ["an argument that is missing", '{"name": "set_timer", "arguments": {"label": "tea"}}'],
  ["one call of two that does not hold", `[${call}, {"name": "set_timer", "arguments": {}}]`],
  ["data", '{"name": "Bob", "age": 5}'],
  ["data in a list", '[{"id": 1}, {"id": 2}]'],
  ["code", "```python\nprint({})\n```"],
  ["other tags", "<b>bold</b> <tools are not it"],
  ["half an object", '{"name": "set_timer", "arguments": {"min'],
  ["an empty block", "```\n```"],
  ["a bracket", "["],
];

for (const [what, answer] of texts) {
  test(`${what}: text in full`, () => {
    for (const family of families) {
      assert.deepEqual(readAll(family, answer), { text: answer, reasoning: "", calls: [] }, family);
    }
  });
}

test("text that cannot begin a call streams at once", () => {
  for (const family of families) {
    for (const pieces of [
      ["Hello", " you"],
      ['{"city', '": 1}'],
      ["[1", ", 2]"],
      ["```py", "thon"],
      ['{"name": "B', 'ob"'],
    ]) {
      const parser = new AnswerParser(formats[family], { tools, inReasoning: false });
      const shown = pieces.map((piece) =>
        parser
          .push(piece)
          .map((event) => ("text" in event ? event.text : ""))
          .join(""),
      );
      assert.deepEqual(shown, pieces, family);
    }
  }
});

test("where the grammar holds it, a call streams as it comes", () => {
  const parser = new AnswerParser(formats.hermes, { tools, inReasoning: false });
  parser.expectHeldCalls();
  const [begun, ...more] = parser.push('```json\n{"name": "set_timer", "arguments": {"minutes": 1');
  assert.ok(begun?.type === "call" && begun.name === "set_timer");
  assert.deepEqual(more, [{ type: "arguments", text: '{"minutes": ' }]);
  assert.deepEqual(parser.push('0, "label": "t'), [{ type: "arguments", text: '10, "label": "t' }]);
  assert.deepEqual(parser.push('ea"}}\n```'), [
    { type: "arguments", text: 'ea"}' },
    { type: "callEnd", complete: true },
  ]);
  assert.deepEqual(parser.finish(), []);
});

test("without tools JSON is text", () => {
  assert.equal(read(formats.hermes, [], call, 1).text, call);
});

const clumsy: readonly (readonly [what: string, family: Family, answer: string, calls: readonly unknown[]])[] = [
  ["a mark written twice", "hermes", `<tool_call>\n<tool_call>\n${call}\n</tool_call>`, [timer]],
  ["a mark written twice", "list", `<|tool_call|><|tool_call|>[${call}]`, [timer]],
  ["a mark written twice", "mistral", '[TOOL_CALLS][TOOL_CALLS]set_timer[ARGS]{"minutes": 10}', [timer]],
  [
    "a mark written twice",
    "lfm",
    "<|tool_call_start|><|tool_call_start|>[set_timer(minutes=10)]<|tool_call_end|>",
    [timer],
  ],
  ["a mark written twice", "gemma", "<|tool_call><|tool_call>call:set_timer{minutes:10}<tool_call|>", [timer]],
  ["two calls in one mark", "hermes", `<tool_call>\n${call}\n${call}\n</tool_call>`, [timer, timer]],
  ["two calls in one mark", "list", `<tool_call>${call}, ${call}</tool_call>`, [timer, timer]],
  ["two calls in one mark", "gemma", "<|tool_call>call:set_timer{minutes:10}call:clock{}<tool_call|>", [timer, clock]],
  [
    "two calls in one mark",
    "lfm",
    "<|tool_call_start|>[set_timer(minutes=10)]\n[clock()]<|tool_call_end|>",
    [timer, clock],
  ],
  ["no closing mark between calls", "hermes", `<tool_call>${call}\n<tool_call>${call}`, [timer, timer]],
  ["a mark in a block", "hermes", `\`\`\`xml\n<tool_call>\n${call}\n</tool_call>\n\`\`\``, [timer]],
  ["a mark in a block", "xml", "```\n<tool_call>\n<function=clock>\n</function>\n</tool_call>\n```\n", [clock]],
  ["white space behind the mark", "hermes", `<tool_call> \t\n\n${call}\n\n</tool_call>`, [timer]],
  [
    "arguments as text",
    "hermes",
    '<tool_call>{"name": "set_timer", "arguments": "{\\"minutes\\": 10}"}</tool_call>',
    [timer],
  ],
];

for (const [what, family, answer, calls] of clumsy) {
  test(`${family}: ${what} leaks no markup: ${JSON.stringify(answer)}`, () => {
    assert.deepEqual(readAll(family, answer), { text: "", reasoning: "", calls });
  });
}

test("a call that the reasoning ends with is carried out, whether it is closed or not", () => {
  for (const close of ["", "</think>", "\n</think>\n\n"]) {
    const { text, reasoning, calls } = readAll(
      "hermes",
      `<think>\nA timer.\n<tool_call>\n${call}\n</tool_call>${close}`,
    );
    assert.deepEqual([text, reasoning, calls], ["", "A timer.", [timer]]);
  }
});

test("a call in reasoning that goes on stays reasoning, and is not carried out twice", () => {
  const thought = `A timer. <tool_call>${call}</tool_call>`;
  const goesOn = readAll("hermes", `<think>${thought} No.</think>Hello`);
  assert.deepEqual(goesOn, { text: "Hello", reasoning: `${thought} No.`, calls: [] });
  const again = readAll("hermes", `<think>${thought}</think>\n<tool_call>${call}</tool_call>`);
  assert.deepEqual([again.text, again.calls], ["", [timer]]);
  const answered = readAll("hermes", `<think>${thought}</think>\nDone.`);
  assert.deepEqual([answered.text, answered.calls], ["Done.", []]);
});

test("a call in reasoning is never content, whatever is wrong with it", () => {
  const wrong = [
    "<tool_call>nothing",
    '<tool_call>{"name": "open_door", "arguments": {}}',
    `<tool_call>${call.slice(0, 30)}`,
  ];
  for (const thought of wrong) {
    for (const isCut of [false, true]) {
      const { text, reasoning, calls } = readAll("hermes", `<think>${thought}`, { isCut });
      assert.deepEqual([text, reasoning, calls], ["", thought, []]);
    }
    assert.equal(readAll("hermes", `<think>${thought}</think>Hello`).text, "Hello");
  }
});

/** A call as each family writes it, and without marks. */
const answers: readonly (readonly [Family, string])[] = [
  ...families.map((family) => [family, formats[family].tools.write([timer, clock])] as const),
  ...[call, pretty, `\`\`\`json\n${call}\n\`\`\``, `<tools>${call}</tools>`, `[${call}, ${call}]`].flatMap((answer) =>
    families.map((family) => [family, answer] as const),
  ),
];

test("a call that is cut at any place is no text, and its arguments do not look whole", () => {
  for (const [family, answer] of answers) {
    for (const isHeld of [false, true]) {
      for (let length = 1; length < answer.length; length++) {
        const cut = answer.slice(0, length);
        const parser = new AnswerParser(formats[family], { tools, inReasoning: false });
        if (isHeld) parser.expectHeldCalls();
        let open: string | null = null;
        for (const event of [...parser.push(cut), ...parser.finish({ isCut: true })]) {
          assert.notEqual(event.type, "text", `${family}: ${cut}`);
          if (event.type === "call") open = "";
          if (event.type === "arguments") open += event.text;
          if (event.type !== "callEnd") continue;
          if (event.complete) assert.ok(JSON.parse(open ?? ""), cut);
          else assert.throws(() => JSON.parse(open ?? ""), SyntaxError, cut);
          open = null;
        }
        assert.equal(open, null, `${family}: ${cut}`);
      }
    }
  }
});

test("text that is cut is text in full", () => {
  for (const text of ["a <", '{"name": "Bob", "a', "```python\npri", "Use <b", '{"id": 5, "ti']) {
    assert.equal(readAll("hermes", text, { isCut: true }).text, text);
  }
});

test("long answers that look like calls to their end are read in time", () => {
  const many = 100_000;
  const answers = [
    `{${" ".repeat(many)}`,
    `[${call},`.repeat(many / 50),
    "<tools>".repeat(many / 7),
    "```\n".repeat(many / 4),
  ];
  answers.push(`{"arguments": {"a": "${"x".repeat(many)}"}, "name": "`, `${call}\n`.repeat(many / 50));
  for (const answer of answers) {
    const took = processorMs(() => read(formats.hermes, tools, answer, 5));
    assert.ok(took < 3000, `${took} ms for ${answer.slice(0, 20)}`);
  }
});
