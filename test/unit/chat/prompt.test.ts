import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, ToolChoice } from "../../../src/chat/messages.js";
import { PromptBuilder } from "../../../src/chat/prompt.js";
import { together } from "../../helpers/answers.js";
import { testModel } from "../../helpers/chat-model.js";
import { build, chatml, hermes, marked, plainText, special, user } from "./prompts.js";

test("without a template the input is continued as plain text", async () => {
  const { addBos, ...model } = { ...plainText, addBos: true };
  assert.deepEqual(await build([user("Once <s>")], { ...model, addBos }), { text: "«<s>»Once <s>", startsText: false });
  assert.deepEqual(await build([user("a "), user("b")], model), { text: "a b", startsText: false });
  assert.deepEqual(await build([user("")], { ...model, addBos }), { text: "«<s>»", startsText: true });
});

test("raw texts are continued as they are, also where there is a template", async () => {
  assert.equal((await build([user("a<s>")], { chatTemplate: chatml }, { raw: true })).text, "a<s>");
});

test("an empty prompt starts with BOS even where the model adds none, for the engine needs a token", async () => {
  assert.deepEqual(await build([user("")], plainText), { text: "«<s>»", startsText: true });
  await assert.rejects((await PromptBuilder.open(testModel())).build([user("")]), { code: "REQUEST_INVALID" });
});

test("tools are refused where no template could tell of them", async () => {
  const asked = build([user("a")], plainText, { tools: [{ name: "f" }] });
  await assert.rejects(asked, { code: "REQUEST_UNSUPPORTED", param: "tools" });
});

test("BOS comes once, from the template or from the tokenizer", async () => {
  const model = { addBos: true, chatTemplate: "{{ bos_token }}a{{ eos_token }}" };
  assert.equal((await build([user("x")], model)).text, "«<s>»a«</s>»");
  assert.equal((await build([user("x")], { addBos: true, chatTemplate: "a" })).text, "«<s>»a");
  assert.equal((await build([user("x")], { chatTemplate: "a" })).text, "a");
});

test("tools, calls and their answers reach the template in the published form", async () => {
  const template =
    "{{ tools[0].function.name if tools }} {{ tools | length if tools }}{% for m in messages %};{{ m.role }} {{ m.content }}" +
    " {{ m.reasoning_content }} {{ m.name }} {{ m.tool_call_id }} {% for c in m.tool_calls or [] %}" +
    "{{ c.function.name }} {{ c.function.arguments if c.function.arguments is string else c.function.arguments.items() | list | tojson }}" +
    "{% endfor %}{% endfor %} {{ thinking }}";
  const messages: Message[] = [
    user("Weather?"),
    {
      role: "assistant",
      content: "",
      reasoning: "hm",
      toolCalls: [{ id: "1", name: "f", arguments: '{"place":"Oslo"}' }],
    },
    { role: "tool", content: "-3", toolCallId: "1", toolName: "f" },
    { role: "assistant", content: "", toolCalls: [{ id: "2", name: "f", arguments: "no JSON" }] },
  ];
  const options = { tools: [{ name: "get_weather" }], variables: { thinking: "on" } };
  assert.equal(
    (await build(messages, { chatTemplate: template }, options)).text,
    'get_weather 1;user Weather?    ;assistant  hm   f [["place", "Oslo"]];tool -3  f 1 ;assistant     f no JSON on',
  );
});

test("a developer is the system to templates that know none", async () => {
  const messages: Message[] = [{ role: "developer", content: "x" }];
  assert.equal((await build(messages, { chatTemplate: "{{ messages[0].role }}" })).text, "system");
  const knowing = "{% if messages[0].role == 'developer' %}knows{% endif %}";
  assert.equal((await build(messages, { chatTemplate: knowing })).text, "knows");
});

test("input nested too deeply is refused", async () => {
  let parameters: Record<string, unknown> = {};
  for (let i = 0; i < 100_000; i++) parameters = { parameters };
  await assert.rejects(build([user("x")], { chatTemplate: chatml }, { tools: [{ name: "f", parameters }] }), {
    code: "REQUEST_INVALID",
  });
});

test("an answer ends where the file or the template says", async () => {
  const end = { text: "<|end_of_answer|>", control: true };
  const made = testModel({
    special: [...special, end],
    bos: "<s>",
    chatTemplate: chatml.replaceAll("<|im_end|>", end.text),
  });
  assert.deepEqual([...(await PromptBuilder.open(made)).stopTokens], [261]);
  assert.deepEqual([...(await PromptBuilder.open(testModel({ special, chatTemplate: chatml }))).stopTokens], [259]);
});

test("a template without a place for tools has them told in words, and calls and results as text", async () => {
  const messages: Message[] = [
    { role: "system", content: "Be kind." },
    user("Weather?"),
    { role: "assistant", content: "", toolCalls: [{ id: "1", name: "f", arguments: '{"at":"Oslo"}' }] },
    { role: "tool", content: "-3", toolCallId: "1" },
    { role: "tool", content: "-4", toolCallId: "2" },
  ];
  const simple =
    "{% for m in messages %}{% if m.role not in ['system', 'user', 'assistant'] %}{{ raise_exception('role') }}{% endif %}" +
    "[{{ m.role }}]{{ m.content }}\n{% endfor %}";
  const { text } = await build(messages, { chatTemplate: simple }, { tools: [{ name: "f", description: "Tells" }] });
  assert.match(
    text,
    /^\[system\].*"name":"f","description":"Tells".*<tool_call>\n\{"name": "NAME".*\n\nBe kind\.\n\[user\]Weather/s,
  );
  assert.ok(text.includes('[assistant]<tool_call>\n{"name": "f", "arguments": {"at": "Oslo"}}\n</tool_call>'));
  const results = "[user]<tool_response>\n-3\n</tool_response>\n<tool_response>\n-4\n</tool_response>\n";
  assert.ok(text.endsWith(results), text);
});

test("a call that has to come is begun in the prompt, behind reasoning that the template has opened", async () => {
  const tools = [{ name: "f" }, { name: "g" }];
  const opening = hermes.replace("<|im_start|>assistant\n{% endif", "<|im_start|>assistant\n<think>\n{% endif");
  const prompt = async (chatTemplate: string, toolChoice: ToolChoice) =>
    (await build([user("x")], { special: marked, chatTemplate }, { tools, toolChoice })).text;
  const header = "«<|im_start|>»assistant\n";
  assert.ok((await prompt(hermes, "auto")).endsWith(header));
  assert.ok((await prompt(hermes, "required")).endsWith(`${header}«<tool_call>»\n{"name":`));
  assert.ok((await prompt(hermes, { name: "g" })).endsWith(`${header}«<tool_call>»\n{"name": "g", "arguments":`));
  const closed = `${header}«<think>»\n</think>\n\n«<tool_call>»\n{"name":`;
  assert.ok((await prompt(opening, "required")).endsWith(closed));
  assert.ok(!(await prompt(hermes, "none")).includes('"g"'));
  const formed = await build([user("x")], { special: marked, chatTemplate: opening }, { withoutReasoning: true });
  assert.ok(formed.text.endsWith(`${header}«<think>»\n</think>\n\n`));
  const made = testModel({ special: marked, chatTemplate: hermes });
  const { parser } = await (await PromptBuilder.open(made)).build([user("x")], { tools, toolChoice: { name: "g" } });
  assert.deepEqual(together([...(parser?.push(' {"a": 1}}\n</tool_call>') ?? []), ...(parser?.finish() ?? [])]).calls, [
    { name: "g", arguments: { a: 1 } },
  ]);
});

test("call ids come to Mistral's templates as they want them", async () => {
  const template =
    "{% for m in messages %}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}{{ raise_exception('id') }}{% endif %}" +
    "{{ c.id + ' ' + c.function.name + c.function.arguments | tojson }}{% endfor %}{{ m.tool_call_id }}{{ m.content }};{% endfor %}";
  const messages: Message[] = [
    { role: "assistant", content: "", toolCalls: [{ id: "call_12345678", name: "f", arguments: '{"v":"x"}' }] },
    { role: "tool", content: "-3", toolCallId: "call_12345678" },
  ];
  const { text } = await build([user("x"), ...messages], { chatTemplate: template });
  assert.match(text, /^x;([a-zA-Z0-9]{9}) f\{"v": "x"\};\1-3;$/);
});
