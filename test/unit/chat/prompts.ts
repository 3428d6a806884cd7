import type { Message } from "../../../src/chat/messages.js";
import { PromptBuilder, type PromptOptions } from "../../../src/chat/prompt.js";
import { shown, testModel } from "../../helpers/chat-model.js";

export const chatml =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

export const special = [
  { text: "<s>", control: true },
  { text: "</s>", control: true },
  { text: "<|im_start|>", control: true },
  { text: "<|im_end|>", control: true },
  { text: "<think>", control: false },
];

export async function build(
  messages: readonly Message[],
  model: Parameters<typeof testModel>[0] = {},
  options: PromptOptions = {},
): Promise<{ text: string; startsText: boolean }> {
  const made = testModel({ special, bos: "<s>", eos: "</s>", ...model });
  const { tokens, startsText } = await (await PromptBuilder.open(made)).build(messages, options);
  return { text: shown(made, tokens), startsText };
}

export const user = (content: string): Message => ({ role: "user", content });

/** A model whose vocabulary has no tokens around turns. */
export const plainText = { special: special.slice(0, 2) };

export const hermes =
  "{% if tools %}<|im_start|>system\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}" +
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}" +
  '<tool_call>\n{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>' +
  "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

export const marked = [...special, { text: "<tool_call>", control: false }, { text: "</tool_call>", control: false }];
