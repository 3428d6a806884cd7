/**
 * The requests that a client may send to /v1/chat/completions. Undefined fields are ignored; fields that ask for what this
 * server cannot do are refused by name, so that nobody takes silence for consent.
 */
import * as z from "zod";
import { inWords } from "../../net/openapi-notes.js";
import { unsupported } from "../../net/validate.js";
import { constraintFields } from "./constraints.js";
import { answerFields, contentSchema, modelName, samplingFields, shortText, tokenLimit } from "./fields.js";

const toolName = z.string().regex(/^[\w.-]{1,128}$/);

const callSchema = z.object({
  id: shortText,
  type: z.literal("function").optional(),
  function: z.object({ name: shortText, arguments: z.string() }),
});

const messageSchema = z.discriminatedUnion("role", [
  z.object({ role: z.enum(["system", "developer", "user"]), content: contentSchema }),
  z.object({
    role: z.literal("assistant"),
    content: contentSchema.nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(callSchema).max(128).nullish(),
  }),
  z.object({ role: z.literal("tool"), content: contentSchema, tool_call_id: shortText }),
]);

const toolSchema = z.object({
  type: z.literal("function"),
  function: z.object({
    name: toolName,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const namedTool = z.object({ type: z.literal("function"), function: z.object({ name: toolName }) });

export const chatSchema = z.object({
  model: modelName,
  messages: z.array(messageSchema).min(1).max(4096),
  ...answerFields,
  ...samplingFields,
  max_tokens: tokenLimit(1),
  max_completion_tokens: tokenLimit(1),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  ...constraintFields,
  tools: z.array(toolSchema).max(256).nullish(),
  tool_choice: z
    .union([
      z.enum(["none", "auto", "required"]),
      namedTool,
      z.object({
        type: z.literal("allowed_tools"),
        allowed_tools: z.object({
          mode: z.enum(["auto", "required"]).default("auto"),
          tools: z.array(namedTool).max(256),
        }),
      }),
    ])
    .nullish()
    .meta(inWords),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning_effort: z.string().max(32).nullish(),
  prompt_cache_key: shortText.nullish(),
  modalities: z
    .array(z.string().max(32).meta({ const: "text" }))
    .max(8)
    .nullish(),
  audio: z.unknown().optional().meta(inWords),
  functions: z.unknown().optional().meta(inWords),
  function_call: z.unknown().optional().meta(inWords),
  web_search_options: z.unknown().optional().meta(inWords),
});

export type ChatRequest = z.infer<typeof chatSchema>;
export type ChatMessage = ChatRequest["messages"][number];

/** REQUEST_UNSUPPORTED with the field's name. */
export function refuseUnsupported(request: ChatRequest): void {
  if (request.modalities?.some((name) => name !== "text"))
    throw unsupported("modalities", "other modalities than text");
  for (const [name, instead] of [
    ["audio", ""],
    ["web_search_options", ""],
    ["functions", "; send tools"],
    ["function_call", "; send tool_choice"],
  ] as const) {
    if (request[name] !== undefined && request[name] !== null) throw unsupported(name, `the field ${name}${instead}`);
  }
}
