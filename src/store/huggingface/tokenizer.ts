/**
 * tokenizer.json and tokenizer_config.json: byte-level BPE as it is, and SentencePiece's BPE, which the file has as merges,
 * back to pieces with scores.
 */
import * as z from "zod";
import type { ImportKey } from "../../engine/contract.js";
import type { ModelConfig } from "./config.js";
import { type Folder, unsupported } from "./folder.js";
import { isByteLevel, preTokenizerName, preTokenizerSchema } from "./pre-tokenizer.js";

const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const mergeSchema = z.union([z.string(), z.tuple([z.string(), z.string()])]);
const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id, content: z.string(), special: z.boolean() })).default([]),
  normalizer: z.unknown(),
  pre_tokenizer: preTokenizerSchema,
  post_processor: z.unknown(),
  model: z.object({
    type: z.literal("BPE").default("BPE"),
    vocab: z.record(z.string(), id),
    merges: z.array(mergeSchema),
    byte_fallback: z.boolean().nullish(),
    unk_token: z.string().nullish(),
  }),
});
const tokenSchema = z.union([z.string(), z.object({ content: z.string() })]).nullish();
const templateSchema = z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish();
const tokenizerConfigSchema = z.object({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  unk_token: tokenSchema,
  pad_token: tokenSchema,
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  chat_template: templateSchema,
});
const generationSchema = z.object({ eos_token_id: z.union([id, z.array(id)]).nullish() });

type TokenizerFile = z.infer<typeof tokenizerSchema>;
type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

/** `tokenizer.ggml.token_type`. */
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** IMPORT_UNSUPPORTED for a tokenizer that is no BPE, or whose pre-tokenizer is not known. */
export async function readTokenizer(folder: Folder, config: ModelConfig): Promise<ImportKey[]> {
  const file = await folder.json("tokenizer.json", tokenizerSchema);
  const settings = (await folder.optionalJson("tokenizer_config.json", tokenizerConfigSchema)) ?? {};
  const generation = (await folder.optionalJson("generation_config.json", generationSchema)) ?? {};
  const vocabulary = collectTokens(file, config.vocabulary);
  const keys = isByteLevel(file.pre_tokenizer)
    ? byteLevelKeys(file, vocabulary)
    : pieceKeys(file, settings, vocabulary);
  const ends = [...new Set([config.eosIds, generation.eos_token_id ?? []].flat())];
  keys.push(...specialKeys(file, settings, config, ends));
  const template = defaultTemplate(settings) ?? (await folder.optionalText("chat_template.jinja"));
  if (template !== null) keys.push({ name: "tokenizer.chat_template", value: template });
  return keys;
}

interface Tokens {
  readonly texts: string[];
  readonly types: Int32Array;
}

/** Collects as many tokens as the embedding has rows: gaps get names that no text has, and tokens beyond are left out. */
function collectTokens({ model, added_tokens }: TokenizerFile, rows: number): Tokens {
  const texts = Array.from({ length: rows }, (_, i) => `[PAD${i}]`);
  const types = new Int32Array(rows).fill(tokenType.unused);
  const set = (at: number, text: string, type: number) => {
    if (at >= rows) return;
    texts[at] = text;
    types[at] = type;
  };
  for (const [text, at] of Object.entries(model.vocab)) set(at, text, tokenType.normal);
  for (const { id: at, content, special } of added_tokens) {
    set(at, content, special ? tokenType.control : tokenType.userDefined);
  }
  return { texts, types };
}

function vocabularyKeys(model: string, pre: string, { texts, types }: Tokens): ImportKey[] {
  return [
    { name: "tokenizer.ggml.model", value: model },
    { name: "tokenizer.ggml.pre", value: pre },
    { name: "tokenizer.ggml.tokens", value: texts },
    { name: "tokenizer.ggml.token_type", value: types },
  ];
}

function byteLevelKeys({ model, pre_tokenizer }: TokenizerFile, tokens: Tokens): ImportKey[] {
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return [
    ...vocabularyKeys("gpt2", preTokenizerName(pre_tokenizer), tokens),
    { name: "tokenizer.ggml.merges", value: merges },
  ];
}

/**
 * SentencePiece merges the pair whose result has the highest score, and tokenizer.json lists its merges in that order: a
 * piece's score is minus the place at which merges first make it. Single characters are never made, and need none.
 */
function pieceKeys(file: TokenizerFile, settings: TokenizerConfig, tokens: Tokens): ImportKey[] {
  const { model } = file;
  if (model.byte_fallback !== true) {
    throw unsupported("The tokenizer is neither byte-level BPE nor SentencePiece's BPE with bytes for the rest.");
  }
  const places = new Map<string, number>();
  for (const merge of model.merges) {
    const piece = typeof merge === "string" ? merge.replace(" ", "") : merge.join("");
    if (!places.has(piece)) places.set(piece, places.size);
  }
  const scores = new Float32Array(tokens.texts.length);
  tokens.texts.forEach((text, i) => {
    if (tokens.types[i] === tokenType.normal && /^<0x[0-9A-F]{2}>$/.test(text)) tokens.types[i] = tokenType.byte;
    else if (text === model.unk_token) tokens.types[i] = tokenType.unknown;
    else if (tokens.types[i] === tokenType.normal) scores[i] = -(places.get(text) ?? places.size);
  });
  return [
    ...vocabularyKeys("llama", "default", tokens),
    { name: "tokenizer.ggml.scores", value: scores },
    { name: "tokenizer.ggml.add_space_prefix", value: settings.add_prefix_space ?? prependsSpace(file) },
  ];
}

/** A normalizer that prepends the space's mark, or a Metaspace that does. */
function prependsSpace({ normalizer, pre_tokenizer }: TokenizerFile): boolean {
  const text = JSON.stringify([normalizer, pre_tokenizer]);
  return text.includes('"type":"Prepend"') || /"prepend_scheme":"(first|always)"/.test(text);
}

function specialKeys(
  { model, added_tokens, post_processor }: TokenizerFile,
  settings: TokenizerConfig,
  config: ModelConfig,
  ends: readonly number[],
): ImportKey[] {
  const ids = new Map([
    ...Object.entries(model.vocab),
    ...added_tokens.map(({ content, id: at }) => [content, at] as const),
  ]);
  const named = (token: z.infer<typeof tokenSchema>): number | undefined =>
    token ? ids.get(typeof token === "string" ? token : token.content) : undefined;
  const bos = named(settings.bos_token) ?? config.bosIds[0];
  const eos = named(settings.eos_token) ?? ends[0];
  const special: readonly [string, number | undefined][] = [
    ["bos", bos],
    ["eos", eos],
    // Chat models end a turn with a token of its own.
    ["eot", ends.find((each) => each !== eos)],
    ["unknown", named(settings.unk_token) ?? named(model.unk_token)],
    ["padding", named(settings.pad_token)],
  ];
  const keys: ImportKey[] = special.flatMap(([name, value]) =>
    value === undefined || value >= config.vocabulary ? [] : [{ name: `tokenizer.ggml.${name}_token_id`, value }],
  );
  const addBos = settings.add_bos_token ?? (bos !== undefined && startsWith(post_processor, bos));
  keys.push({ name: "tokenizer.ggml.add_bos_token", value: addBos });
  keys.push({ name: "tokenizer.ggml.add_eos_token", value: settings.add_eos_token ?? false });
  return keys;
}

const templateStepSchema = z.object({
  type: z.literal("TemplateProcessing"),
  single: z.array(z.object({ SpecialToken: z.object({ id: z.string() }).optional() })).min(1),
  special_tokens: z.record(z.string(), z.object({ ids: z.array(id) })),
});
const postProcessorSchema = z.union([
  templateStepSchema,
  z.object({ type: z.literal("Sequence"), processors: z.array(z.unknown()) }),
]);

/** Whether the post-processor puts the token in front of every text. */
function startsWith(postProcessor: unknown, token: number): boolean {
  const result = postProcessorSchema.safeParse(postProcessor);
  if (!result.success) return false;
  if (result.data.type === "Sequence") return result.data.processors.some((each) => startsWith(each, token));
  const first = result.data.single[0]?.SpecialToken?.id;
  return first !== undefined && result.data.special_tokens[first]?.ids[0] === token;
}

function defaultTemplate({ chat_template: template }: TokenizerConfig): string | null {
  if (!template) return null;
  if (typeof template === "string") return template;
  return (template.find(({ name }) => name === "default") ?? template[0])?.template ?? null;
}
