/** Grammars of answers allow calls without marks, and text after calls that are asked for, as far as these tests say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { detectFormat } from "../../src/chat/answers/formats.js";
import { AnswerParser } from "../../src/chat/answers/parser.js";
import { type AnswerShape, answerGrammar } from "../../src/chat/grammar/answer.js";
import type { Tool } from "../../src/chat/messages.js";
import { read, together } from "../helpers/answers.js";
import { loadSpark } from "./spark.js";

const families = {
  hermes: "<tool_call>",
  llama: '"parameters": ',
  mistral: "[TOOL_CALLS] [ARGS]",
  "mistral-list": "[TOOL_CALLS]",
  list: "<|tool_call|>",
  deepseek: "<｜tool▁calls▁begin｜>",
  xml: "<tool_call><function=",
  lfm: "<|tool_call_start|>",
  gemma: "<|tool_call>",
} as const;
type Family = keyof typeof families;

const tools: Tool[] = [
  {
    name: "set_timer",
    parameters: { type: "object", properties: { minutes: { type: "integer", minimum: 1 } }, required: ["minutes"] },
  },
  { name: "set_time", parameters: { type: "object", properties: {} } },
];
const timer = { name: "set_timer", arguments: { minutes: 10 } };

async function grammarFor(family: Family, shape: Partial<AnswerShape> = {}) {
  const model = await loadSpark();
  const { tools: format } = detectFormat(families[family], []);
  const gbnf = answerGrammar({
    ...{ format: { type: "text" }, tools, family: format, several: true, begun: null },
    ...{ reasoning: null, inReasoning: false, specialTokens: [] },
    ...shape,
  });
  const grammar = await model.compileGrammar(gbnf ?? "");
  return (text: string) => grammar.match(text);
}

const call = '{"name": "set_timer", "arguments": {"minutes": 10}}';
const pretty = '{\n  "name": "set_timer",\n  "parameters": {\n    "minutes": 10\n  }\n}';
const block = `\`\`\`json\n${pretty}\n\`\`\``;

for (const family of Object.keys(families) as Family[]) {
  const format = detectFormat(families[family], []);

  test(`${family}: calls without marks are held to a tool's schema, and read as calls`, async () => {
    const match = await grammarFor(family);
    const alone = [
      call,
      pretty,
      `\n${call}\n`,
      `[${call}]`,
      block,
      `\`\`\`\n${call}\n\`\`\``,
      `<tools>\n${call}\n</tools>`,
    ];
    const lines = family === "llama" ? [] : [`${call}\n${call}`, `${block}\n\n${block}`];
    const two = [...lines, `[${call}, ${call}]`, `${call}; ${call}`];
    for (const [answers, calls] of [
      [alone, 1],
      [two, 2],
    ] as const) {
      for (const text of answers) {
        assert.equal(match(text), "whole", text);
        assert.deepEqual(read(format, tools, text, 1, false, { isHeld: true }).calls, Array(calls).fill(timer), text);
        for (const wrong of [
          text.replace("10", '"10"'),
          text.replace("10", "0"),
          text.replace('"minutes"', '"hours"'),
        ]) {
          assert.equal(match(wrong), "none", wrong);
        }
      }
    }
  });

  test(`${family}: what only begins like a call stays free`, async () => {
    const match = await grammarFor(family);
    const braces = [
      '{"name": "Bob", "age": 5}',
      '{"name": "set_timers"}',
      '{"names": []}',
      '{"a": {}}',
      "{ }",
      '{"name": 5',
    ];
    const texts = [
      "",
      "[1, 2]",
      "[",
      "```",
      "```python\nx = {}\n```",
      '```json\n{"name": "Bob"}\n```',
      "<tools",
      `Use ${call}!`,
    ];
    for (const text of texts) assert.equal(match(text), "whole", text);
    for (const text of braces) assert.equal(match(text), family === "llama" ? "none" : "whole", text);
  });

  test(`${family}: behind a call without marks others are held too, and anything else ends the answer`, async () => {
    const match = await grammarFor(family);
    const isBare = family === "llama"; // where a brace always begins a call, a line alone must not force another one
    for (const between of isBare ? [", ", "; "] : ["\n", ", ", "; ", "\n```\n", "\n</tools>\n<tools>"]) {
      assert.equal(match(call + between + call), "whole", between);
      assert.equal(match(call + between + call.replace("10", "0")), "none", between);
    }
    for (const more of [" and more", "\nThis sets it.", '\n{"error": false}', "\n```\nDone", '\n{"err']) {
      assert.equal(match(call + more), isBare ? "none" : "whole", "what is said is not bent into a call");
      for (const isCut of [false, true]) {
        const { text, calls } = read(format, tools, call + more, 1, false, { isHeld: true, isCut });
        assert.deepEqual([text, calls], ["", [timer]]);
      }
    }
    const one = await grammarFor(family, { several: false });
    assert.equal(one(call), "whole");
    assert.equal(one(`${call}\n${call}`), "none");
  });

  test(`${family}: where calls are asked for anything else ends the answer`, async () => {
    for (const begun of ["", "set_timer"]) {
      const prefix = format.tools.begin(begun === "" ? null : begun);
      const rest = (calls: readonly (typeof timer)[]) => format.tools.write(calls).slice(prefix.length);
      const match = await grammarFor(family, { begun });
      assert.equal(match(rest([timer, timer])), "whole");
      const wrong = rest([{ ...timer, arguments: { minutes: 0 } }]);
      assert.equal(match(wrong), "none");
      for (const more of ["", "!", "\n\nThe timer is set.", "\n<b>", '\n{"error": 1}', "\n<think>Hm.</think>"]) {
        const parser = new AnswerParser(format, { tools, inReasoning: false, onlyCalls: true });
        parser.push(prefix);
        if (family === "llama") parser.expectHeldCalls();
        const events = [...parser.push(rest([timer, timer]) + more), ...parser.finish()];
        const { text, reasoning, calls } = together(events);
        assert.deepEqual([text, reasoning, calls], ["", "", [timer, timer]], more);
      }
    }
  });

  test(`${family}: beside JSON that is asked for, a call without marks may come`, async () => {
    const schema = { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] };
    const match = await grammarFor(family, { format: { type: "json_schema", schema, strict: true } });
    assert.equal(match('{"answer": "yes"}'), "whole");
    assert.equal(match(call), "whole");
    assert.equal(match(call.replace("10", "0")), "none");
  });
}

test("where the grammar would be too large, calls with marks alone are held", async () => {
  const match = await grammarFor("hermes", { markedOnly: true });
  const wrong = call.replace("10", "0");
  assert.equal(match(wrong), "whole");
  assert.equal(match(`<tool_call>\n${wrong}\n</tool_call>`), "none");
});

for (const family of Object.keys(families) as Family[]) {
  test(`${family}: an answer without calls has words, and nothing that begins a call`, async () => {
    const match = await grammarFor(family, { tools: [], withoutCalls: true });
    const { opens } = detectFormat(families[family], []).tools;
    for (const text of ["It is on.", ' Ja, 5 °C.\n\nUnd: 好的 "ist"', "-5 °C"]) {
      assert.equal(match(text), "whole", text);
    }
    assert.equal(match(""), "beginning");
    const calls = [call, `\n${call}`, ` ${call}`, `[${call}]`, block, `It is on. ${call}`, ...opens];
    for (const text of [...calls, '"],"error":true}', ", true", "On]"]) {
      assert.equal(match(text), "none", text);
    }
  });
}

test("with a form an answer without calls keeps to it", async () => {
  const match = await grammarFor("hermes", { tools: [], withoutCalls: true, format: { type: "json_object" } });
  assert.equal(match('{"a": 1}'), "whole");
  assert.equal(match("It is on."), "none");
});
