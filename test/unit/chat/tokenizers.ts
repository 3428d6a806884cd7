import { Tokenizer } from "../../../src/chat/tokenizer.js";
import { shown, testModel } from "../../helpers/chat-model.js";

export const special = [
  { text: "<s>", control: true },
  { text: "</s>", control: true },
  { text: "<|end|>", control: true },
  { text: "<|end|><|end|>", control: true },
  { text: "<tool>", control: false },
  { text: "  ", control: false },
];

export const plain = { addSpecial: false, parseSpecial: false };

export const parsed = { addSpecial: false, parseSpecial: true };

export async function encode(
  text: string,
  options = plain,
  model: Parameters<typeof testModel>[0] = {},
): Promise<string> {
  const made = testModel({ special, bos: "<s>", eos: "</s>", ...model });
  return shown(made, await new Tokenizer(made).encode(text, options));
}
