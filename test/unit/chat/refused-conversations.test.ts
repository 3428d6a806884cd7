import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../../src/chat/messages.js";
import { PromptBuilder } from "../../../src/chat/prompt.js";
import { testModel } from "../../helpers/chat-model.js";

const write = "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}";
const noSystem = "{% for m in messages if m.role == 'system' %}{{ raise_exception('no system') }}{% endfor %}";
const alternate =
  "{% for m in messages if m.role != 'system' %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}" +
  "{{ raise_exception('must alternate') }}{% endif %}{% endfor %}";
const systemFirst =
  "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('system first') }}{% endif %}{% endfor %}";

const say = (role: Message["role"], content: string): Message => ({ role, content });

async function written(template: string, messages: readonly Message[]): Promise<string> {
  const model = testModel({ chatTemplate: template + write });
  const prompts = await PromptBuilder.open(model);
  return new TextDecoder().decode(model.decode((await prompts.build(messages)).tokens, true));
}

test("what a template takes is given as it is", async () => {
  const messages = [say("system", "S"), say("user", "a"), say("user", "b")];
  assert.equal(await written("", messages), "[system:S][user:a][user:b]");
});

test("a system message that a template refuses goes before the first user text", async () => {
  assert.equal(await written(noSystem, [say("system", "S"), say("user", "U")]), "[user:S\n\nU]");
  const late = [say("user", "a"), say("assistant", "b"), say("system", "S"), say("user", "c")];
  assert.equal(await written(noSystem, late), "[user:S\n\na][assistant:b][user:c]");
});

test("a system message without a user's is the user's", async () => {
  assert.equal(await written(noSystem, [say("system", "S")]), "[user:S]");
});

test("neighbours of one role are joined by an empty line where a template refuses them", async () => {
  const messages = [say("user", "a"), say("user", "b"), say("assistant", "c"), say("assistant", "d"), say("user", "e")];
  assert.equal(await written(alternate, messages), "[user:a\n\nb][assistant:c\n\nd][user:e]");
});

test("only what a template refuses is changed", async () => {
  const messages = [say("system", "S"), say("user", "a"), say("user", "b")];
  assert.equal(await written(alternate, messages), "[system:S][user:a\n\nb]");
  assert.equal(await written(noSystem, messages), "[user:S\n\na][user:b]");
  assert.equal(await written(noSystem + alternate, messages), "[user:S\n\na\n\nb]");
});

test("system messages come first as one where a template wants the system first", async () => {
  const messages = [say("system", "S"), say("user", "a"), say("system", "T"), say("user", "b")];
  assert.equal(await written(systemFirst, messages), "[system:S\n\nT][user:a][user:b]");
});

test("an answer before any question stays where the template takes it, and else the refusal says why not", async () => {
  const messages = [say("assistant", "Hello!"), say("user", "Hi")];
  assert.equal(await written(noSystem, messages), "[assistant:Hello!][user:Hi]");
  await assert.rejects(written(alternate, messages), { code: "CHAT_TEMPLATE_FAILED", message: /must alternate/ });
});

test("Gemma's stand-in takes a system message, neighbours of one role and an answer before any question", async () => {
  const special = ["<bos>", "<start_of_turn>", "<end_of_turn>"].map((text) => ({ text, control: true }));
  const model = testModel({ special, bos: "<bos>" });
  const prompts = await PromptBuilder.open(model);
  const prompt = async (...messages: Message[]) =>
    new TextDecoder().decode(model.decode((await prompts.build(messages)).tokens, true));
  const turn = (role: string, text: string) => `<start_of_turn>${role}\n${text}<end_of_turn>\n`;
  const open = "<start_of_turn>model\n";
  assert.equal(await prompt(say("system", "S"), say("user", "U")), `<bos>${turn("user", "S\n\nU")}${open}`);
  assert.equal(await prompt(say("user", "a"), say("user", "b")), `<bos>${turn("user", "a\n\nb")}${open}`);
  const answered = [say("system", "S"), say("assistant", "A"), say("user", "U")];
  assert.equal(await prompt(...answered), `<bos>${turn("model", "A")}${turn("user", "S\n\nU")}${open}`);
});

test("a float in an earlier call's arguments stays a float", async () => {
  const template =
    "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments }}{% endfor %}{% endfor %}";
  const model = testModel({ chatTemplate: template });
  const call = { id: "1", name: "set", arguments: '{"temperature": 21.0, "level": 3, "on": true, "room": null}' };
  const messages: Message[] = [say("user", "x"), { role: "assistant", content: "", toolCalls: [call] }];
  const { tokens } = await (await PromptBuilder.open(model)).build(messages);
  const text = new TextDecoder().decode(model.decode(tokens, true));
  assert.equal(text, "set{'temperature': 21.0, 'level': 3, 'on': True, 'room': None}");
});
