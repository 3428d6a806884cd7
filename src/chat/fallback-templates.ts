/**
 * Chat templates for files that bring none, by family: the turns as the family's models know them. A family shows in its
 * vocabulary, where the tokens around turns are, or in the model's name. Tools are told in the system message (see tool-prompt.ts).
 */
import type { ModelInfo } from "../engine/contract.js";

interface Family {
  /** Control tokens that only this family's vocabularies have. */
  readonly tokens?: readonly string[];
  /** For families that write turns in plain text. */
  readonly modelName?: RegExp;
  readonly template: string;
}

/** A template with one form for every turn; `header` and `end` are Jinja expressions, `assistant` the role's name. */
const turns = (header: string, end: string, assistant = "assistant", bos = ""): string =>
  `${bos}{% for m in messages %}{% set role = '${assistant}' if m.role == 'assistant' else m.role %}` +
  `{{ ${header} + m.content + ${end} }}{% endfor %}` +
  `{% if add_generation_prompt %}{% set role = '${assistant}' %}{{ ${header} }}{% endif %}`;

/** Refuses the conversations that Gemma's own templates refuse, but lets an answer come first. */
const refuseAsGemma =
  "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
  "{% if not loop.first and m.role == loop.previtem.role %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% endfor %}";

const instructions = (user: string, answer: string): string =>
  "{% set ns = namespace(system='') %}{% for m in messages %}" +
  "{% if m.role == 'system' %}{% set ns.system = m.content %}" +
  `{% elif m.role == 'assistant' %}{{ ${answer} }}` +
  `{% else %}{{ ${user} }}{% set ns.system = '' %}{% endif %}{% endfor %}`;

const families = {
  chatml: {
    tokens: ["<|im_start|>", "<|im_end|>"],
    template: turns(String.raw`'<|im_start|>' + role + '\n'`, String.raw`'<|im_end|>\n'`),
  },
  llama3: {
    tokens: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    template: turns(
      String.raw`'<|start_header_id|>' + role + '<|end_header_id|>\n\n'`,
      "'<|eot_id|>'",
      "assistant",
      "{{ bos_token }}",
    ),
  },
  gemma: {
    tokens: ["<start_of_turn>", "<end_of_turn>"],
    template: turns(
      String.raw`'<start_of_turn>' + role + '\n'`,
      String.raw`'<end_of_turn>\n'`,
      "model",
      `{{ bos_token }}${refuseAsGemma}`,
    ),
  },
  gemma4: {
    tokens: ["<|turn>", "<turn|>"],
    template: turns(String.raw`'<|turn>' + role + '\n'`, String.raw`'<turn|>\n'`, "model", "{{ bos_token }}"),
  },
  granite: {
    tokens: ["<|start_of_role|>", "<|end_of_role|>"],
    template: turns("'<|start_of_role|>' + role + '<|end_of_role|>'", String.raw`'<|end_of_text|>\n'`),
  },
  phi3: {
    tokens: ["<|user|>", "<|assistant|>", "<|end|>"],
    template: turns(String.raw`'<|' + role + '|>\n'`, String.raw`'<|end|>\n'`),
  },
  deepseek: {
    tokens: ["<｜User｜>", "<｜Assistant｜>"],
    template:
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}" +
      "{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content + '<｜end▁of▁sentence｜>' }}" +
      "{% else %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<｜Assistant｜>{% endif %}",
  },
  mistral: {
    tokens: ["[INST]", "[/INST]"],
    modelName: /(mistral|mixtral).*instruct/i,
    template:
      "{{ bos_token }}" +
      instructions(
        String.raw`'[INST] ' + (ns.system + '\n\n' if ns.system else '') + m.content + ' [/INST]'`,
        "' ' + m.content + eos_token",
      ),
  },
  llama2: {
    modelName: /llama.?2.*chat/i,
    template: instructions(
      String.raw`bos_token + '[INST] ' + ('<<SYS>>\n' + ns.system + '\n<</SYS>>\n\n' if ns.system else '') + m.content + ' [/INST]'`,
      "' ' + m.content + ' ' + eos_token",
    ),
  },
  zephyr: {
    modelName: /zephyr|tinyllama.*chat/i,
    template: turns(String.raw`'<|' + role + '|>\n'`, String.raw`eos_token + '\n'`),
  },
} satisfies Record<string, Family>;

export type FallbackName = keyof typeof families;
export const fallbackNames = Object.keys(families) as readonly FallbackName[];

export function fallbackTemplate(name: FallbackName): string {
  return families[name].template;
}

/** The family of a model whose file has no template; null for one that is to continue text as it is. */
export function fallbackFor({ name, tokenizer }: ModelInfo): FallbackName | null {
  const control = new Set(tokenizer.specialTokens.filter((token) => token.control).map(({ text }) => text));
  const all: readonly [FallbackName, Family][] = fallbackNames.map((each) => [each, families[each]]);
  const byTokens = all.find(([, { tokens }]) => tokens?.every((token) => control.has(token)));
  return (byTokens ?? all.find(([, { modelName }]) => modelName?.test(name)))?.[0] ?? null;
}
