/**
 * Splits text into the words that byte-level BPE merges within: the regexes that `tokenizer.ggml.pre` names. They are run
 * here because JavaScript's engine knows Unicode; the merges are native.
 * Sources: the pre_tokenizer of each family's tokenizer.json, in the form llama.cpp gives them.
 */
import { HearthError } from "../base/errors.js";

// The originals' \s means Unicode's White_Space. JavaScript's own \s has U+FEFF too, and lacks U+0085.
const space = "\\p{White_Space}";
const notSpace = "\\P{White_Space}";

const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|${space}+(?!${notSpace})`;

// Llama 3, Qwen 2 and 3.5 differ in how many digits make a word and in whether marks belong to letters.
const contraction = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const modern = (digits: string, letter: string): string =>
  [
    contraction,
    `[^\\r\\n\\p{L}\\p{N}]?[${letter}]+`,
    digits,
    ` ?[^${space}${letter}\\p{N}]+[\\r\\n]*`,
    `${space}*[\\r\\n]+`,
    `${space}+(?!${notSpace})`,
    `${space}+`,
  ].join("|");

/** One after another, each on the pieces that the ones before have left. */
type Rules = readonly string[];

const gpt2Rules: Rules = [gpt2];
const starcoderRules: Rules = ["\\p{N}", gpt2];
const llama3Rules: Rules = [modern("\\p{N}{1,3}", "\\p{L}")];
const qwen2Rules: Rules = [modern("\\p{N}", "\\p{L}")];
const defaultRules: Rules = ["[\\p{P}$+<=>^~\\|]+", gpt2, "\\p{N}+", "[0-9][0-9][0-9]"];

const rulesByName: ReadonlyMap<string, Rules> = new Map([
  ["", defaultRules], // files older than the key
  ["default", defaultRules],
  ["gpt-2", gpt2Rules],
  ["phi-2", gpt2Rules],
  ["olmo", gpt2Rules],
  ["starcoder", starcoderRules],
  ["refact", starcoderRules],
  ["command-r", starcoderRules],
  ["smollm", starcoderRules],
  ["llama-bpe", llama3Rules],
  ["llama3", llama3Rules],
  ["llama-v3", llama3Rules],
  ["falcon3", llama3Rules],
  ["lfm2", llama3Rules],
  ["smaug-bpe", llama3Rules],
  ["dbrx", llama3Rules],
  ["qwen2", qwen2Rules],
  ["deepseek-r1-qwen", qwen2Rules],
  ["qwen35", [modern("\\p{N}", "\\p{L}\\p{M}")]],
]);

export type PreTokenizer = (text: string) => string[];

/** The splitter of a name; nothing of the text is lost. Throws TOKENIZER_UNSUPPORTED. */
export function preTokenizer(name: string): PreTokenizer {
  const rules = rulesByName.get(name);
  if (!rules) {
    const known = [...rulesByName.keys()].filter((each) => each !== "").join(", ");
    throw new HearthError(
      "TOKENIZER_UNSUPPORTED",
      `The model's pre-tokenizer "${name}" is unknown; known are ${known}.`,
    );
  }
  const patterns = rules.map((rule) => new RegExp(rule, "gu"));
  return (text) => patterns.reduce((pieces, pattern) => splitAll(pieces, pattern), text === "" ? [] : [text]);
}

/** Every match of `pattern` (global, never empty) and every gap between matches becomes a piece. */
function splitAll(pieces: readonly string[], pattern: RegExp): string[] {
  const result: string[] = [];
  for (const piece of pieces) {
    let end = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(piece); match; match = pattern.exec(piece)) {
      if (match.index > end) result.push(piece.slice(end, match.index));
      result.push(match[0]);
      end = pattern.lastIndex;
    }
    if (end < piece.length) result.push(piece.slice(end));
  }
  return result;
}
