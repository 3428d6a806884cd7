import assert from "node:assert/strict";
import { test } from "node:test";
import { PromptBuilder } from "../../../src/chat/prompt.js";
import { ToolNames } from "../../../src/chat/tool-names.js";
import { AnswerReader } from "../../../src/service/answer-reader.js";
import { shown, testModel } from "../../helpers/chat-model.js";

const named = (...names: string[]) => names.map((name) => ({ name }));

test("a template that leaves namespaces out has the names without them, and the client its own again", () => {
  const names = new ToolNames(named("intent__HassTurnOn", "assist__homeassistant__GetLiveContext", "plain"), false);
  assert.deepEqual(
    names.tools.map(({ name }) => name),
    ["HassTurnOn", "GetLiveContext", "plain"],
  );
  assert.equal(names.written("intent__HassTurnOn"), "HassTurnOn");
  assert.equal(names.given("HassTurnOn"), "intent__HassTurnOn");
  assert.equal(names.given("GetLiveContext"), "assist__homeassistant__GetLiveContext");
});

test("names that would be alike, or empty, without their namespaces keep them", () => {
  const given = ["light__Set", "fan__Set", "Set", "script__", "__"];
  const names = new ToolNames(named(...given), false);
  assert.deepEqual(
    names.tools.map(({ name }) => name),
    given,
  );
  for (const name of given) assert.equal(names.given(name), name);
});

const template = (name: string) =>
  `{% for t in tools or [] %}<tool>{{ ${name} }}</tool>{% endfor %}` +
  "{% for m in messages %}{{ m.role }}: {{ m.content }}" +
  '{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}"}</tool_call>{% endfor %}\n{% endfor %}';
const whole = template("t.function.name");
const short = template("t.function.name.split('__')[-1]");

async function answered(chatTemplate: string, text: string) {
  const model = testModel({ special: [{ text: "</s>", control: true }], eos: "</s>", chatTemplate });
  const prompts = await PromptBuilder.open(model);
  const tools = named("intent__HassTurnOn", "light__HassLightSet");
  const prompt = await prompts.build([{ role: "user", content: "Light, please" }], { tools });
  const reader = new AnswerReader(model, { prompt, visible: prompts.visibleTokens, stop: [] });
  const events = [...Buffer.from(text)].flatMap((token) => reader.push(token));
  const called = [...events, ...reader.flush({ isCut: false })].flatMap((event) =>
    event.type === "call" ? [event.name] : [],
  );
  return { prompt: shown(model, prompt.tokens), called, offered: prompt.answer.tools.map(({ name }) => name) };
}

test("what the template does with a namespace says what the grammar allows and what a call is named", async () => {
  const call = (name: string) => `<tool_call>{"name": "${name}", "arguments": {}}</tool_call>`;
  const stripped = await answered(short, call("HassTurnOn"));
  assert.match(stripped.prompt, /<tool>HassTurnOn<\/tool>/);
  assert.deepEqual(stripped.offered, ["HassTurnOn", "HassLightSet"]);
  assert.deepEqual(stripped.called, ["intent__HassTurnOn"]);
  const kept = await answered(whole, call("intent__HassTurnOn"));
  assert.match(kept.prompt, /<tool>intent__HassTurnOn<\/tool>/);
  assert.deepEqual(kept.called, ["intent__HassTurnOn"]);
});
