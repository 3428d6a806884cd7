/**
 * The requests that a client may send to Ollama's API. Options that nobody defined are ignored, as Ollama does; a request for
 * something that this server cannot do is refused by name.
 */
import * as z from "zod";
import { inWords } from "../../net/openapi-notes.js";
import { unsupported } from "../../net/validate.js";

export const modelName = z.string().min(1).max(512);
const text = z.string();
const longText = z.string().max(1_048_576);
const stopText = z.string().min(1).max(256);

const options = z.looseObject({
  temperature: z.number().min(0).max(10).nullish(),
  /** Negative, as 0: not bounded. */
  top_k: z.int().min(-1_000_000).max(1_000_000).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  typical_p: z.number().min(0).max(1).nullish(),
  repeat_penalty: z.number().min(0.01).max(10).nullish(),
  repeat_last_n: z.int().min(-1).max(1_048_576).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** Negative: drawn. */
  seed: z.int().nullish(),
  /** Negative: until the model ends, or the context does. */
  num_predict: z.int().min(-1_048_576).max(1_048_576).nullish(),
  /** The context is the configuration's; what does not fit is an error. */
  num_ctx: z.int().min(0).max(16_777_216).nullish(),
  stop: z.union([stopText, z.array(stopText).max(16)]).nullish(),
  mirostat: z.int().min(0).max(2).nullish().meta(inWords),
});
export type Options = z.infer<typeof options>;
/** The options that may be set for a model by name. */
export const optionNames: readonly string[] = Object.keys(options.shape);

/** Seconds, or a duration as Go writes it; negative is for ever. */
const keepAlive = z.union([
  z.number().min(-1e9).max(1e9),
  z.string().regex(/^-?(?:\d{1,9}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h)?){1,4}$/),
]);

const shared = {
  model: modelName,
  stream: z.boolean().nullish(),
  /** `json`, or a JSON schema. */
  format: z.union([z.literal(""), z.literal("json"), z.record(z.string(), z.unknown())]).nullish(),
  think: z.union([z.boolean(), z.string().max(32)]).nullish(),
  keep_alive: keepAlive.nullish(),
  options: options.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  /** Leave out the oldest of what does not fit into the context. On where it is not said. */
  truncate: z.boolean().nullish(),
};

const call = z.looseObject({
  id: z.string().max(256).nullish(),
  function: z.looseObject({ name: z.string().max(256), arguments: z.record(z.string(), z.unknown()).nullish() }),
});

const message = z.object({
  /** In any case; others than the usual ones are the template's. */
  role: z.string().regex(/^[\w-]{1,64}$/),
  content: text.nullish(),
  thinking: text.nullish(),
  images: z.array(z.unknown()).max(64).nullish().meta(inWords),
  tool_calls: z.array(call).max(128).nullish(),
  tool_name: z.string().max(256).nullish(),
  tool_call_id: z.string().max(256).nullish(),
});

const tool = z.looseObject({
  type: z.literal("function").nullish(),
  function: z.looseObject({
    name: z.string().regex(/^[\w.-]{1,128}$/),
    description: text.nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});

export const chatSchema = z.object({
  ...shared,
  messages: z.array(message).max(4096).nullish(),
  tools: z.array(tool).max(256).nullish(),
});
export type ChatRequest = z.infer<typeof chatSchema>;

export const generateSchema = z.object({
  ...shared,
  prompt: text.nullish(),
  system: text.nullish(),
  raw: z.boolean().nullish(),
  template: text.nullish().meta(inWords),
  suffix: text.nullish().meta(inWords),
  images: z.array(z.unknown()).max(64).nullish().meta(inWords),
});
export type GenerateRequest = z.infer<typeof generateSchema>;

export const embedSchema = z.object({
  model: modelName,
  input: z.union([text, z.array(text).max(2048)]),
  truncate: z.boolean().nullish(),
  /** 0: as without it. */
  dimensions: z.int().min(0).max(1_048_576).nullish().meta(inWords),
  keep_alive: keepAlive.nullish(),
  options: options.nullish(),
});

export const embeddingsSchema = z.object({
  model: modelName,
  prompt: text,
  truncate: z.boolean().nullish(),
  keep_alive: keepAlive.nullish(),
  options: options.nullish(),
});

/** Older clients say `name`. */
const named = { model: modelName.nullish().meta({ type: "string" }), name: modelName.nullish().meta(inWords) };
const modelRequired = { required: ["model"] };
export const modelSchema = z.object({ ...named, verbose: z.boolean().nullish() }).meta(modelRequired);
export const pullSchema = z
  .object({ ...named, stream: z.boolean().nullish(), insecure: z.boolean().nullish() })
  .meta(modelRequired);
/** The digest in the form that store/blobs.ts takes. */
export const blobParams = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) });
export const createSchema = z.object({
  ...named,
  from: modelName.nullish(),
  /** Files that were sent to /api/blobs, by name: `sha256:HEX`. */
  files: z.record(z.string().max(256), z.string().max(128)).nullish(),
  system: longText.nullish(),
  template: longText.nullish(),
  license: z.union([longText, z.array(longText).max(16)]).nullish(),
  parameters: options.nullish(),
  messages: z
    .array(z.object({ role: message.shape.role, content: longText.nullish() }))
    .max(256)
    .nullish(),
  stream: z.boolean().nullish(),
  adapters: z.record(z.string(), z.unknown()).nullish(),
  quantize: z.string().max(32).nullish(),
  modelfile: z.string().nullish(),
});
export type CreateRequest = z.infer<typeof createSchema>;

export const copySchema = z.object({ source: modelName, destination: modelName });

export function refuseUnsupported(request: ChatRequest | GenerateRequest): void {
  if (request.options?.mirostat) throw unsupported("options.mirostat", "Mirostat sampling");
  if ("messages" in request && request.messages?.some(({ images }) => images?.length)) {
    throw unsupported("messages.images", "images");
  }
  if ("images" in request && request.images?.length) throw unsupported("images", "images");
  if ("suffix" in request && request.suffix) throw unsupported("suffix", "inserting text");
  if ("template" in request && request.template) throw unsupported("template", "other templates than the model's");
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const longestMs = 2 ** 31 - 1;

/** Milliseconds; -1: for ever; undefined: as configured. A number without a unit is seconds. */
export function toKeepAliveMs(value: z.infer<typeof keepAlive> | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  const written = String(value);
  if (written.startsWith("-")) return -1;
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)([a-zµ]*)/g)];
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit || "s"] ?? 0), 0);
  return Math.min(Math.ceil(ms), longestMs);
}
