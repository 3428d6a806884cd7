/**
 * Finds the name in `tokenizer.ggml.pre` of a tokenizer.json's pre-tokenizer: by its regex, as the families publish it. Pure.
 */
import * as z from "zod";
import { unsupported } from "./folder.js";

const stepSchema = z
  .object({
    type: z.string(),
    pattern: z.object({ Regex: z.string().optional(), String: z.string().optional() }).optional(),
    use_regex: z.boolean().optional(),
    individual_digits: z.boolean().optional(),
  })
  .loose();
const sequenceSchema = z.object({ type: z.literal("Sequence"), pretokenizers: z.array(stepSchema) });
export const preTokenizerSchema = z.union([sequenceSchema, stepSchema]).nullish();

type PreTokenizer = z.infer<typeof preTokenizerSchema>;
type Step = z.infer<typeof stepSchema>;

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const modern = (digits: string, letter = "\\p{L}", letters = letter): string =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?${letters}+|${digits}| ?[^\\s${letter}\\p{N}]+[\\r\\n]*|${spaces}`;
const camelCase = (digits: string, suffix: string): string => {
  const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  const lead = "[^\\r\\n\\p{L}\\p{N}]?";
  const words = `${lead}${upper}*${lower}+${suffix}|${lead}${upper}+${lower}*${suffix}`;
  return `${words}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;
};
const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const namesByRegex: ReadonlyMap<string, string> = new Map([
  [modern("\\p{N}{1,3}"), "llama-bpe"],
  [modern("\\p{N}"), "qwen2"],
  [modern("\\p{N}", "\\p{L}\\p{M}", "[\\p{L}\\p{M}]"), "qwen35"],
  [camelCase("\\p{N}", ""), "tekken"],
  [camelCase("\\p{N}{1,3}", `${contractions}?`), "gpt-4o"],
  [gpt2, "gpt-2"],
]);

/** IMPORT_UNSUPPORTED with the regex for one that is not known: another would give other tokens. */
export function preTokenizerName(preTokenizer: PreTokenizer): string {
  const steps = stepsOf(preTokenizer);
  const regexes = steps.flatMap((step) => step.pattern?.Regex ?? []);
  const splitsDigits = steps.some(({ type, individual_digits }) => type === "Digits" && individual_digits === true);
  const splitsWords = steps.some(({ type, use_regex }) => type === "ByteLevel" && use_regex !== false);
  if (regexes.length === 0 && splitsWords) return splitsDigits ? "smollm" : "gpt-2";
  const [regex] = regexes;
  const name = regexes.length === 1 && !splitsDigits && !splitsWords ? namesByRegex.get(regex ?? "") : undefined;
  if (name !== undefined) return name;
  const steppedBy = steps.map(({ type, pattern }) => pattern?.Regex ?? type).join(", then ");
  throw unsupported(`The tokenizer splits text by a pre-tokenizer that is not known: ${JSON.stringify(steppedBy)}.`);
}

/** Whether tokens are bytes written as characters, as GPT-2 does. */
export function isByteLevel(preTokenizer: PreTokenizer): boolean {
  return stepsOf(preTokenizer).some(({ type }) => type === "ByteLevel");
}

function stepsOf(preTokenizer: PreTokenizer): readonly Step[] {
  if (!preTokenizer) return [];
  return "pretokenizers" in preTokenizer && Array.isArray(preTokenizer.pretokenizers)
    ? preTokenizer.pretokenizers
    : [preTokenizer as Step];
}
