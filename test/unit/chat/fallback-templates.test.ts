import assert from "node:assert/strict";
import { test } from "node:test";
import { type FallbackName, fallbackNames } from "../../../src/chat/fallback-templates.js";
import type { Message } from "../../../src/chat/messages.js";
import { PromptBuilder } from "../../../src/chat/prompt.js";
import { fallbackChoices } from "../../../src/config/options.js";
import { testModel } from "../../helpers/chat-model.js";
import { plainText, user } from "./prompts.js";

const chat: Message[] = [{ role: "system", content: "S" }, user("U"), { role: "assistant", content: "A" }, user("V")];

const fallbacks: [tokens: string[], prompt: string][] = [
  [
    ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|>" +
      "<|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nV<|eot_id|>" +
      "<|start_header_id|>assistant<|end_header_id|>\n\n",
  ],
  [
    ["<|im_start|>", "<|im_end|>"],
    "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n" +
      "<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n",
  ],
  [
    ["<|turn>", "<turn|>"],
    "<s><|turn>system\nS<turn|>\n<|turn>user\nU<turn|>\n<|turn>model\nA<turn|>\n<|turn>user\nV<turn|>\n<|turn>model\n",
  ],
  [
    ["<|start_of_role|>", "<|end_of_role|>"],
    "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U<|end_of_text|>\n" +
      "<|start_of_role|>assistant<|end_of_role|>A<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>V<|end_of_text|>\n" +
      "<|start_of_role|>assistant<|end_of_role|>",
  ],
  [
    ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
    "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\nA<|end|>\n<|user|>\nV<|end|>\n<|assistant|>\n",
  ],
  [["[INST]", "[/INST]"], "<s>[INST] S\n\nU [/INST] A</s>[INST] V [/INST]"],
  [["<｜User｜>", "<｜Assistant｜>"], "<s>S<｜User｜>U<｜Assistant｜>A<｜end▁of▁sentence｜><｜User｜>V<｜Assistant｜>"],
];

test("a file without a template gets its family's, which shows in the vocabulary or the name", async () => {
  const control = (texts: readonly string[]) => texts.map((text) => ({ text, control: true }));
  const prompt = async (
    options: Parameters<typeof testModel>[0],
    messages = chat,
    fallback?: FallbackName | "none",
  ) => {
    const made = testModel({ bos: "<s>", eos: "</s>", ...options });
    const builder = await PromptBuilder.open(made, undefined, { ...(fallback ? { fallback } : {}) });
    return new TextDecoder().decode(made.decode((await builder.build(messages)).tokens, true));
  };
  for (const [tokens, expected] of fallbacks) {
    assert.equal(await prompt({ special: control(["<s>", "</s>", ...tokens]) }), expected);
  }
  const gemma = { special: control(["<s>", "<start_of_turn>", "<end_of_turn>"]) };
  assert.equal(await prompt(gemma, [user("U")]), "<s><start_of_turn>user\nU<end_of_turn>\n<start_of_turn>model\n");
  const turn = (role: string, text: string) => `<start_of_turn>${role}\n${text}<end_of_turn>\n`;
  const alternating = `<s>${turn("user", "S\n\nU")}${turn("model", "A")}${turn("user", "V")}<start_of_turn>model\n`;
  assert.equal(await prompt(gemma), alternating);
  const llama2 = { ...plainText, name: "Llama 2 7B Chat" };
  assert.equal(await prompt(llama2), "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST] A </s><s>[INST] V [/INST]");
  assert.equal(await prompt(llama2, chat, "none"), "SUAV");
  const zephyr = "<|system|>\nS</s>\n<|user|>\nU</s>\n<|assistant|>\nA</s>\n<|user|>\nV</s>\n<|assistant|>\n";
  assert.equal(await prompt(plainText, chat, "zephyr"), zephyr);
});

test("the configuration offers the families that there are", () => {
  assert.deepEqual(new Set(fallbackChoices), new Set(["auto", "none", ...fallbackNames]));
});
