import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { AnswerEvent } from "../../src/chat/answers/events.js";
import { detectFormat } from "../../src/chat/answers/formats.js";
import { AnswerParser } from "../../src/chat/answers/parser.js";
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import type { Tool } from "../../src/chat/messages.js";
import type { SpecialToken } from "../../src/engine/contract.js";
import { Random } from "../helpers/random.js";
import { RandomSchemas } from "./random-schema.js";
import { loadSpark, Speaker } from "./spark.js";

const callsToMake = 300;

/** A template of each family, as far as it tells the family. */
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

interface Call {
  readonly name: string;
  readonly arguments: string;
  readonly complete: boolean;
}

function read(
  family: keyof typeof families,
  tools: readonly Tool[],
  begun: string,
  text: string,
): { calls: Call[]; text: string } {
  const format = detectFormat(families[family], []);
  const parser = new AnswerParser(format, { tools, inReasoning: false });
  parser.push(begun);
  const events: AnswerEvent[] = [...parser.push(text), ...parser.finish()];
  const calls: Call[] = [];
  let shown = "";
  for (const event of events) {
    const last = calls.at(-1);
    if (event.type === "call") calls.push({ name: event.name, arguments: "", complete: false });
    else if (event.type === "arguments" && last)
      calls[calls.length - 1] = { ...last, arguments: last.arguments + event.text };
    else if (event.type === "callEnd" && last) calls[calls.length - 1] = { ...last, complete: event.complete };
    else if (event.type === "text") shown += event.text;
  }
  return { calls, text: shown };
}

function grammarOf(
  family: keyof typeof families,
  tools: readonly Tool[],
  begun: string | null,
  { specialTokens = [], several = true }: { specialTokens?: readonly SpecialToken[]; several?: boolean } = {},
) {
  const { tools: format } = detectFormat(families[family], []);
  assert.equal(format.name, family);
  const shape = { format: { type: "text" as const }, reasoning: null, inReasoning: false, specialTokens };
  return answerGrammar({ ...shape, tools, family: format, several, begun }) ?? "";
}

const light: Tool = {
  name: "HassLightSet",
  parameters: {
    type: "object",
    properties: { name: { type: "string" }, brightness: { type: "integer", minimum: 0, maximum: 100 } },
    required: ["name"],
  },
};
const time: Tool = { name: "GetDateTime", parameters: { type: "object", properties: {} } };

test(`${callsToMake} calls of random tools at temperature 1.5: each is read back, and its arguments validate`, async (t) => {
  const model = await loadSpark();
  const speaker = await Speaker.open(
    t,
    model,
    "<|im_start|>user\nTurn on the kitchen light<|im_end|>\n<|im_start|>assistant\n",
  );
  const random = new Random(20261124);
  const schemas = new RandomSchemas(random);
  const ajv = new Ajv2020({ strict: false, logger: false });
  let complete = 0;
  let cut = 0;
  for (let n = 0; complete < callsToMake; n++) {
    const family = random.pick(Object.keys(families) as [keyof typeof families]);
    const tools = ["lamp", "Radio.on", "get_state"].map((name): Tool => ({ name, parameters: schemas.document() }));
    const wanted = random.pick(["", "lamp"]);
    const several = random.below(3) === 0;
    const grammar = await model.compileGrammar(grammarOf(family, tools, wanted, { several }));
    const { tools: format } = detectFormat(families[family], []);
    const begun = format.begin(wanted === "" ? null : wanted);
    // Where several may come, text may follow too, and a model as weak as this one talks on: what counts is the first call.
    const answer = await speaker.say(grammar, n, several ? 300 : 600);
    const { calls } = read(family, tools, begun, answer.text);
    const [call] = calls;
    if (!call?.complete) {
      assert.ok(!answer.finished, `${family}: ${begun}${answer.text}`);
      cut++;
      continue;
    }
    if (!several) assert.equal(calls.length, 1, answer.text);
    complete++;
    for (const { name, arguments: json, complete: isComplete } of calls) {
      if (!isComplete) continue;
      const schema = tools.find((tool) => tool.name === name)?.parameters;
      assert.ok(schema, `${name} is no tool`);
      const validate = ajv.compile(schema);
      assert.ok(
        validate(JSON.parse(json)),
        `${family}: ${JSON.stringify(schema)}\n${json}\n${ajv.errorsText(validate.errors)}`,
      );
    }
  }
  t.diagnostic(`${complete} calls complete, ${cut} more cut by the limit`);
  assert.ok(cut < callsToMake);
});

const written: Readonly<Record<keyof typeof families, readonly string[]>> = {
  hermes: [
    'I will.\n<tool_call>\n{"name": "HassLightSet", "arguments": {"name": "a<b", "brightness": 7}}\n</tool_call>',
    '<tool_call>\n{"name": "GetDateTime", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "GetDateTime", "arguments": {}}\n</tool_call>',
  ],
  llama: [
    '{"name": "HassLightSet", "parameters": {"brightness": 7, "name": "x"}}',
    '{"name": "GetDateTime", "parameters": {}}; {"name": "GetDateTime", "parameters": {}}',
    '<|python_tag|>{"name": "GetDateTime", "parameters": {}}',
  ],
  mistral: [
    '[TOOL_CALLS]HassLightSet[ARGS]{"name": "x"}',
    "[TOOL_CALLS]GetDateTime[ARGS]{}[TOOL_CALLS]GetDateTime[ARGS]{}",
  ],
  "mistral-list": [
    '[TOOL_CALLS][{"name": "GetDateTime", "arguments": {}}, {"name": "HassLightSet", "arguments": {"name": ""}}]',
  ],
  list: [
    '<|tool_call|>[{"name": "GetDateTime", "arguments": {}}]<|/tool_call|>',
    '<tool_call>[{"name": "GetDateTime", "arguments": {}}]',
  ],
  deepseek: [
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>HassLightSet\n```json\n{"name": "x"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "<｜tool▁call▁begin｜>GetDateTime<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
  ],
  xml: [
    "I will.\n<tool_call>\n<function=HassLightSet>\n<parameter=name>\na</b>\nc\n</parameter>\n<parameter=brightness>\n7\n</parameter>\n</function>\n</tool_call>",
    "<tool_call>\n<function=GetDateTime>\n</function>\n</tool_call>\n<tool_call>\n<function=GetDateTime>\n</function>\n</tool_call>",
    "<function=HassLightSet>\n<parameter=name>\n\n</parameter>\n</function>",
  ],
  lfm: [
    '<|tool_call_start|>[HassLightSet(name="a)", brightness=7), GetDateTime()]<|tool_call_end|>Done.',
    '<|tool_call_start|>[HassLightSet(brightness=7,name="x")]<|tool_call_end|>',
  ],
  gemma: [
    '<|tool_call>call:HassLightSet{name:<|"|>a"}<|<|"|>,brightness:7}<tool_call|><|tool_call>call:GetDateTime{}<tool_call|>',
    '<|tool_call>call:HassLightSet{brightness:7,name:<|"|><|"|>}<tool_call|>',
  ],
};

/** Calls that name other tools or parameters, or give values of other types. */
function spoiled(text: string): string[] {
  const swaps: readonly (readonly [string, string])[] = [
    ["HassLightSet", "HassOpenDoor"],
    ["GetDateTime", "GetDoor"],
    ["brightness", "colour"],
    ["{}", '{"a": 1}'],
    ['"x"', "9"],
    ['"name": ""', '"name": 1'],
    ["7", "107"],
    ["7", "dim"],
    ["name:", "brightness:"],
    ["GetDateTime()", "GetDateTime(a=1)"],
    ["GetDateTime>\n", "GetDateTime>\n<parameter=a>\n1\n</parameter>\n"],
    ["=name>", "=room>"],
  ];
  return swaps.map(([from, to]) => text.replaceAll(from, to)).filter((changed) => changed !== text);
}

for (const family of Object.keys(families) as (keyof typeof families)[]) {
  test(`${family}: what the family writes is allowed and read back; other tools and wrong arguments are not allowed`, async () => {
    const model = await loadSpark();
    const grammar = await model.compileGrammar(grammarOf(family, [light, time], null));
    for (const text of written[family]) {
      assert.equal(grammar.match(text), "whole", text);
      assert.ok(read(family, [light, time], "", text).calls.every(({ complete }) => complete));
      assert.ok(spoiled(text).length > 0);
      for (const wrong of spoiled(text)) assert.equal(grammar.match(wrong), "none", wrong);
    }
    for (const text of ["", "Just words, and a < and a [TOOL_ and {}", "ends with <tool_ca"]) {
      assert.equal(grammar.match(text), "whole", text);
    }
    const { tools: format } = detectFormat(families[family], []);
    for (const begun of ["", "GetDateTime"]) {
      const forced = await model.compileGrammar(grammarOf(family, [light, time], begun));
      const whole = format.write([{ name: "GetDateTime", arguments: {} }]);
      const prefix = format.begin(begun === "" ? null : begun);
      assert.ok(whole.startsWith(prefix), `${whole} begins with ${prefix}`);
      assert.equal(forced.match(whole.slice(prefix.length)), "whole");
      assert.notEqual(forced.match(""), "whole");
      assert.notEqual(forced.match("words"), "whole");
    }
  });
}

/** A tool in Home Assistant's form; with more parameters than may come in any order, and with fewer. */
const targeted = (...more: string[]): Tool => {
  const keys = ["name", "area", "floor", ...more];
  return {
    name: "HassTurnOn",
    parameters: { type: "object", properties: Object.fromEntries(keys.map((key) => [key, { type: "string" }])) },
  };
};

for (const tool of [targeted("domain"), targeted("domain", "device_class", "color", "brightness")]) {
  test(`a call that names no device, area or floor, where the tool takes all of these, is not allowed (${Object.keys(tool.parameters?.properties ?? {}).length} parameters)`, async () => {
    const model = await loadSpark();
    const grammar = await model.compileGrammar(grammarOf("hermes", [tool, time], null));
    const match = (args: object, name = "HassTurnOn") =>
      grammar.match(
        `<tool_call>\n${JSON.stringify({ name, arguments: args }).replaceAll(/([:,])"/g, '$1 "')}\n</tool_call>`,
      );
    assert.equal(match({ name: "Lamp" }), "whole");
    assert.equal(match({ area: "Kitchen", domain: "light" }), "whole");
    assert.equal(match({ name: "Lamp", floor: "First" }), "whole");
    assert.equal(match({}), "none");
    assert.equal(match({ domain: "light" }), "none");
    assert.equal(grammar.match('<tool_call>\n{"name": "GetDateTime", "arguments": {}}\n</tool_call>'), "whole");
  });
}

test("a marker that is a control token opens a call too, and other control tokens stay free", async () => {
  const model = await loadSpark();
  const marker = model.info.tokenizer.specialTokens.find(({ text }) => text === "<|im_start|>");
  assert.ok(marker);
  const gbnf = grammarOf("mistral", [time], null, { specialTokens: [{ ...marker, text: "[TOOL_CALLS]" }] });
  assert.match(gbnf, new RegExp(`<\\[${marker.id}\\]> opened`));
  assert.match(gbnf, new RegExp(`<\\[\\^${marker.id}\\]> text`));
  await model.compileGrammar(gbnf);
});

test("reasoning is free, begun by the model or by the prompt; what follows it is not", async () => {
  const model = await loadSpark();
  const reasoning = { open: "<think>", close: "</think>" };
  const shape = {
    format: { type: "json_object" as const },
    tools: [],
    family: null,
    several: true,
    begun: null,
    reasoning,
    specialTokens: [],
  };
  const closed = await model.compileGrammar(answerGrammar({ ...shape, inReasoning: false }) ?? "");
  assert.equal(closed.match("<think>\nHm, { is a brace.\n</think>\n\n{}"), "whole");
  assert.equal(closed.match("{}"), "whole");
  assert.equal(closed.match("Hm"), "none");
  const open = await model.compileGrammar(answerGrammar({ ...shape, inReasoning: true }) ?? "");
  assert.equal(open.match("Hm</think>{}"), "whole");
  assert.equal(open.match("Hm</think>no"), "none");
});
