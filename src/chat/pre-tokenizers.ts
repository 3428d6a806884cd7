/**
 * Splits text into the words that byte-level BPE merges within: the regexes that `tokenizer.ggml.pre` names. They are run
 * here because JavaScript's engine knows Unicode; the merges are native.
 * Sources: the pre_tokenizer of each family's tokenizer.json; which name means which is llama.cpp's.
 */
import { HearthError } from "../base/errors.js";
import { casedLetters } from "./cased-letters.js";

// The originals' \s means Unicode's White_Space. JavaScript's own \s has U+FEFF too, and lacks U+0085.
const space = "\\p{White_Space}";
const notSpace = "\\P{White_Space}";

const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|${space}+(?!${notSpace})`;

const contraction = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const spaces = [`${space}*[\\r\\n]+`, `${space}+(?!${notSpace})`, `${space}+`];
const alternatives = (...patterns: readonly string[]): string => patterns.join("|");

/** Llama 3 and its kin differ in how many digits make a word and in whether marks belong to letters. */
const modern = (digits: string, letter = "\\p{L}"): string =>
  alternatives(
    contraction,
    `[^\\r\\n\\p{L}\\p{N}]?[${letter}]+`,
    digits,
    ` ?[^${space}${letter}\\p{N}]+[\\r\\n]*`,
    ...spaces,
  );

/** GPT-4o's: a word ends where capitals begin anew. Mistral's Tekken has it without contractions. */
const camelCase = (digits: string, suffix = ""): string => {
  const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  return alternatives(
    `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${suffix}`,
    `[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${suffix}`,
    digits,
    ` ?[^${space}\\p{L}\\p{N}]+[\\r\\n/]*`,
    ...spaces,
  );
};

const wordsWithoutPunctuation = ` ?[^(${space}|.,!?…。，、।۔،)]+`;
const han = "[\\u4E00-\\u9FA5\\u0800-\\u4E00\\uAC00-\\uD7FF]+";
const deepseekV3 = alternatives(
  "[!-\\/:-@\\[-`{-~][A-Za-z]+",
  "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
  " ?[\\p{P}\\p{S}]+[\\r\\n]*",
  ...spaces,
);

interface Family {
  /** Values of `tokenizer.ggml.pre`. */
  readonly names: readonly string[];
  /** One after another, each on the pieces that the ones before have left. */
  readonly rules: readonly string[];
}

const families: readonly Family[] = [
  { names: ["default"], rules: ["[\\p{P}$+<=>^~\\|]+", gpt2, "\\p{N}+", "[0-9][0-9][0-9]"] },
  {
    names: ["gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "exaone4", "gigachat", "a.x-4.0"],
    rules: [gpt2],
  },
  {
    names: ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"],
    rules: ["\\p{N}", gpt2],
  },
  { names: ["mellum", "jina-v2-code", "roberta-bpe"], rules: [gpt2] },
  { names: ["falcon"], rules: ["[\\p{P}$+<=>^~\\|`]+", gpt2, "[0-9][0-9][0-9]"] },
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"],
    rules: [modern("\\p{N}{1,3}")],
  },
  { names: ["smaug-bpe", "dbrx", "glm4", "chatglm-bpe"], rules: [modern("\\p{N}{1,3}")] },
  {
    names: ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"],
    rules: [modern("\\p{N}")],
  },
  { names: ["qwen35"], rules: [modern("\\p{N}", "\\p{L}\\p{M}")] },
  { names: ["tekken"], rules: [camelCase("\\p{N}")] },
  { names: ["gpt-4o", "llama4", "kanana2", "minimax-m2"], rules: [camelCase("\\p{N}{1,3}", `(?:${contraction})?`)] },
  {
    names: ["deepseek-llm"],
    rules: [
      "[\\r\\n]",
      `${space}?[${casedLetters}]+`,
      `${space}?[!-\\/:-~\\uFF01-\\uFF0F\\uFF1A-\\uFF5E\\u2018-\\u201F\\u3000-\\u3002]+`,
      `${space}+$`,
      han,
      "\\p{N}+",
    ],
  },
  { names: ["deepseek-coder"], rules: ["[\\r\\n]", `${space}?\\p{L}+`, `${space}?\\p{P}+`, han, "\\p{N}"] },
  {
    names: ["deepseek-v3", "hunyuan-dense", "joyai-llm"],
    rules: ["\\p{N}{1,3}", "[\\u4E00-\\u9FA5\\u3040-\\u30FF]+", deepseekV3],
  },
  { names: ["bloom", "poro-chat", "gpt3-finnish"], rules: [wordsWithoutPunctuation] },
  { names: ["gemma4"], rules: ["[^\\n]+|\\n+"] },
  { names: ["viking"], rules: [wordsWithoutPunctuation, "\\p{N}"] },
];

const rulesByName = new Map(families.flatMap(({ names, rules }) => names.map((name) => [name, rules] as const)));

export type PreTokenizer = (text: string) => Iterable<string>;

/**
 * The splitter of a name; nothing of the text is lost, and words come as they are asked for. A file older than the key has
 * an empty name. `unknown` says what to do with a name that is not known: throw TOKENIZER_UNSUPPORTED, or split as files
 * without a name are split, which gives other tokens than the model was trained on.
 */
export function preTokenizer(name: string, unknown: "refuse" | "default" = "refuse"): PreTokenizer {
  const known =
    rulesByName.get(name) ?? (name === "" || unknown === "default" ? rulesByName.get("default") : undefined);
  if (!known) {
    throw new HearthError(
      "TOKENIZER_UNSUPPORTED",
      `The model's pre-tokenizer ${JSON.stringify(name)} is unknown; known are ${[...rulesByName.keys()].join(", ")}. ` +
        'model.unknown_pre_tokenizer = "default" goes on with the default one, at some loss of quality.',
    );
  }
  const patterns = known.map((rule) => new RegExp(rule, "gu"));
  return (text) => split(text, patterns, 0);
}

/** Every match of a pattern (never empty) and every gap between matches becomes a piece, for the next pattern to split. */
function* split(text: string, patterns: readonly RegExp[], level: number): Generator<string> {
  const pattern = patterns[level];
  if (text === "") return;
  if (!pattern) {
    yield text;
    return;
  }
  const isLast = level === patterns.length - 1;
  let end = 0;
  for (;;) {
    pattern.lastIndex = end;
    const match = pattern.exec(text);
    const from = match?.index ?? text.length;
    if (from > end) {
      const gap = text.slice(end, from);
      if (isLast) yield gap;
      else yield* split(gap, patterns, level + 1);
    }
    if (!match) return;
    if (isLast) yield match[0];
    else yield* split(match[0], patterns, level + 1);
    end = from + match[0].length;
  }
}
