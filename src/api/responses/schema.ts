/**
 * The requests that a client may send to /v1/responses, with a range for every field. Undefined fields are ignored; fields that
 * ask for what this server cannot do yet are refused by name, so that nobody takes silence for consent.
 */
import * as z from "zod";
import { inWords, oneOfForms } from "../../net/openapi-notes.js";
import { parseAt, unsupported } from "../../net/validate.js";

/** `include` values of our own: more fields and events for clients that ask for them. */
export const includes = {
  /** `hearth:token_ids` on deltas and output parts. */
  tokenIds: "hearth.token_ids",
  /** Events `hearth:queued`, `hearth:prompt_progress` and `hearth:left_out`. */
  progress: "hearth.progress",
} as const;

const shortText = z.string().max(256);

const formatSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({
    type: z.literal("json_schema"),
    name: z.string().min(1).max(64),
    description: z.string().nullish(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
  }),
  // The public API has grammars for the input of custom tools only.
  z.object({ type: z.literal("grammar"), syntax: z.literal("gbnf"), definition: z.string() }).meta(inWords),
]);

const toolName = z.string().regex(/^[\w.-]{1,64}$/, "a tool's name has 1 to 64 letters, digits and . _ -");

const toolSchema = z.object({
  // Others run on the server, which has none of them.
  type: z.literal("function", "only tools of type function are supported"),
  name: toolName,
  description: z.string().nullish(),
  parameters: z
    .record(z.string(), z.unknown())
    .refine((schema) => isShallow(schema), "is nested too deeply")
    .nullish(),
  strict: z.boolean().nullish(),
});

/** Deeper than any schema, and far from where serializing it back would end the stack. */
const maxSchemaDepth = 100;

function isShallow(schema: unknown): boolean {
  let level = [schema];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxSchemaDepth) return false;
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return true;
}

export type FunctionTool = z.infer<typeof toolSchema>;

const toolChoiceSchema = z.union([
  z.enum(["auto", "none", "required"]),
  z.object({ type: z.literal("function"), name: toolName }),
  z.object({
    type: z.literal("allowed_tools"),
    mode: z.enum(["auto", "required"]).default("auto"),
    tools: z.array(z.looseObject({ type: z.literal("function"), name: toolName })).max(256),
  }),
]);

/** A text part of an input item; input.ts reads the items. */
const textPart = (type: string) => ({
  type: "object",
  properties: { type: { const: type }, text: { type: "string" } },
  required: ["type", "text"],
});
const messageForms = oneOfForms({
  type: { const: "message" },
  role: { enum: ["user", "assistant", "system", "developer"] },
  content: { anyOf: [{ type: "string" }, { type: "array", items: textPart("input_text"), maxItems: 16 }] },
});

export const createSchema = z.object({
  /** The model that is to answer; see `askedModel`. */
  model: shortText.nullish().meta({ type: "string", minLength: 1 }),
  input: z
    .union([z.string(), z.array(z.unknown().meta(messageForms)).max(4096).meta({ minItems: 1 })])
    .nullish()
    .meta({ type: ["string", "array"] }),
  instructions: z.string().nullish(),
  previous_response_id: shortText.nullish().meta(inWords),
  store: z.boolean().nullish(),
  generate: z.boolean().nullish(),
  stream: z.boolean().nullish(),

  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** Negative: no limit of the client's. */
  max_output_tokens: z
    .int()
    .min(-1_048_576)
    .max(1_048_576)
    .refine((limit) => limit !== 0, "Expected a number above 0, or a negative one for no limit")
    .meta({ not: { const: 0 } })
    .nullish()
    .transform((limit) => (limit && limit < 0 ? null : limit)),
  // Not in the public API; other local servers take them under the same names.
  /** Negative, as 0: not bounded. */
  top_k: z
    .int()
    .min(-1_000_000)
    .max(1_000_000)
    .nullish()
    .transform((count) => (count ? Math.max(count, 0) : count)),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().min(0.01).max(10).nullish(),
  /** Negative: drawn. */
  seed: z
    .int()
    .min(-2_147_483_648)
    .nullish()
    .transform((seed) => (seed && seed < 0 ? null : seed)),
  max_queue_ms: z.int().min(0).max(86_400_000).nullish(),
  max_away_ms: z.int().min(0).max(3_600_000).nullish(),
  stop: z.union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).max(16)]).nullish(),

  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  prompt_cache_key: z.string().max(64).nullish(),
  safety_identifier: z.string().max(64).nullish(),
  user: shortText.nullish(),
  include: z.array(z.string().max(64)).max(32).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tool_calls: z.int().min(1).max(1024).nullish(),
  service_tier: z.string().max(32).nullish(),
  reasoning: z.object({ effort: z.string().max(32).nullish(), summary: z.string().max(32).nullish() }).nullish(),
  text: z
    .object({
      format: formatSchema.nullish(),
      verbosity: z.enum(["low", "medium", "high"]).nullish(),
    })
    .nullish(),

  truncation: z.enum(["auto", "disabled"]).nullish(),
  tools: z.array(toolSchema).max(256).nullish(),
  tool_choice: toolChoiceSchema.nullish().meta(inWords),
  top_logprobs: z.int().min(0).max(20).nullish().meta(inWords),
  background: z.boolean().nullish().meta(inWords),
  conversation: z.unknown().optional().meta(inWords),
  prompt: z.unknown().optional().meta(inWords),
  context_management: z.unknown().optional().meta(inWords),
});

/** Without an input there is nothing to answer, but for what is in words. */
export const createRequired = { required: ["model", "input"] };
/** For the description of a body whose tokens are counted: it need not name a model. */
export const countSchema = createSchema.extend({ model: shortText.nullish() }).meta({ required: ["input"] });

export type CreateRequest = z.infer<typeof createSchema>;

/** Parses a body or frame. Throws REQUEST_INVALID or REQUEST_UNSUPPORTED with the field's name. */
export function parseCreate(body: unknown): CreateRequest {
  const request = parseAt(createSchema, body, "");
  refuseUnsupported(request);
  return request;
}

const resumeSchema = z.object({ response_id: shortText, starting_after: z.int().min(0).nullish() });

/** The frame that reads on from a stream. `starting_after`: the last event that the client saw; -1 for none. */
export function parseResume(frame: unknown): { readonly id: string; readonly startingAfter: number } {
  const { response_id: id, starting_after: startingAfter } = parseAt(resumeSchema, frame, "");
  return { id, startingAfter: startingAfter ?? -1 };
}

/** The query that reads a response, or reads on from its stream. */
export const readSchema = z.object({
  stream: z.string().max(16).optional(),
  starting_after: z
    .string()
    .regex(/^\d{1,15}$/, "is no number of an event")
    .optional(),
});

export function toStartingAfter(text: string | undefined): number {
  return text === undefined ? -1 : Number(text);
}

/** Fields of OpenAI's API that are refused whatever they say. */
export const refusedFields = ["conversation", "prompt", "context_management"] as const;

function refuseUnsupported(request: CreateRequest): void {
  const { top_logprobs: topLogprobs, include } = request;
  if (topLogprobs || include?.includes("message.output_text.logprobs")) {
    throw unsupported(topLogprobs ? "top_logprobs" : "include", "log probabilities");
  }
  if (request.background) throw unsupported("background", "background responses");
  for (const name of refusedFields) {
    if (request[name] !== undefined && request[name] !== null) throw unsupported(name, `the field ${name}`);
  }
}
