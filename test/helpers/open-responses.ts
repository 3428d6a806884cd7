/**
 * The public types of Open Responses (2026-04-24) that this server sends, as zod schemas: every field that the specification
 * requires, with its type. Fields of nobody are refused, so that a wrong name does not pass for an extra one.
 */
import assert from "node:assert/strict";
import * as z from "zod";
import type { Event } from "./server.js";

const text = z.string();
const index = z.int().min(0);
const nullable = <T extends z.ZodType>(type: T) => z.union([type, z.null()]);

const outputText = z.strictObject({
  type: z.literal("output_text"),
  text,
  annotations: z.array(z.never()),
  logprobs: z.array(z.never()).optional(),
});
const inputText = z.strictObject({ type: z.literal("input_text"), text });
const reasoningText = z.strictObject({ type: z.literal("reasoning_text"), text });
const part = z.union([outputText, inputText, reasoningText]);
const itemStatus = z.enum(["in_progress", "completed", "incomplete"]);

const message = z.strictObject({
  type: z.literal("message"),
  id: text.regex(/^msg_/),
  status: itemStatus,
  role: z.enum(["user", "assistant", "system", "developer"]),
  content: z.array(part),
});
const functionCall = z.strictObject({
  type: z.literal("function_call"),
  id: text.regex(/^fc_/),
  call_id: text.min(1).max(64),
  name: text,
  arguments: text,
  status: itemStatus,
});
const reasoning = z.strictObject({
  type: z.literal("reasoning"),
  id: text.regex(/^rs_/),
  content: z.array(reasoningText).optional(),
  summary: z.array(z.never()),
  encrypted_content: text.optional(),
  status: itemStatus.optional(), // of the openai client's type
});
const compaction = z.strictObject({
  type: z.literal("compaction"),
  id: text.regex(/^cmp_/),
  encrypted_content: text.max(10_485_760),
});
const item = z.discriminatedUnion("type", [message, functionCall, reasoning, compaction]);

const usage = z
  .strictObject({
    input_tokens: index,
    input_tokens_details: z.strictObject({ cached_tokens: index }),
    output_tokens: index,
    output_tokens_details: z.strictObject({ reasoning_tokens: index }),
    total_tokens: index,
  })
  .refine((each) => each.total_tokens === each.input_tokens + each.output_tokens, "the total is not the sum")
  .refine((each) => each.input_tokens_details.cached_tokens <= each.input_tokens, "more cached than there are");

const tool = z.strictObject({
  type: z.literal("function"),
  name: text,
  description: nullable(text),
  parameters: nullable(z.record(text, z.unknown())),
  strict: nullable(z.boolean()),
});
const namedTool = z.looseObject({ type: z.literal("function"), name: text });

export const responseResource = z.strictObject({
  id: text.regex(/^resp_[0-9a-f]{48}$/),
  object: z.literal("response"),
  created_at: z.int(),
  completed_at: nullable(z.int()),
  status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed"]),
  incomplete_details: nullable(z.strictObject({ reason: text })),
  model: text,
  previous_response_id: nullable(text),
  instructions: nullable(text),
  output: z.array(item),
  error: nullable(z.strictObject({ code: text, message: text })),
  tools: z.array(tool),
  tool_choice: z.union([
    z.enum(["none", "auto", "required"]),
    namedTool,
    z.looseObject({ type: z.literal("allowed_tools"), tools: z.array(namedTool), mode: text }),
  ]),
  truncation: z.enum(["auto", "disabled"]),
  parallel_tool_calls: z.boolean(),
  text: z.strictObject({ format: z.looseObject({ type: text }), verbosity: z.enum(["low", "medium", "high"]) }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: z.int(),
  temperature: z.number(),
  reasoning: nullable(z.strictObject({ effort: nullable(text), summary: nullable(text) })),
  user: nullable(text),
  usage: nullable(usage),
  max_output_tokens: nullable(z.int()),
  max_tool_calls: nullable(z.int()),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: text,
  metadata: z.record(text, text),
  safety_identifier: nullable(text),
  prompt_cache_key: nullable(text),
});

const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({ type: z.literal(type), sequence_number: index, ...shape });
const inItem = { item_id: text, output_index: index };
const inPart = { ...inItem, content_index: index };

const streamEvent = z.discriminatedUnion("type", [
  event("response.created", { response: responseResource }),
  event("response.in_progress", { response: responseResource }),
  event("response.completed", { response: responseResource }),
  event("response.incomplete", { response: responseResource }),
  event("response.failed", { response: responseResource }),
  event("response.output_item.added", { output_index: index, item }),
  event("response.output_item.done", { output_index: index, item }),
  event("response.content_part.added", { ...inPart, part }),
  event("response.content_part.done", { ...inPart, part }),
  event("response.output_text.delta", { ...inPart, delta: text, logprobs: z.array(z.never()).optional() }),
  event("response.output_text.done", { ...inPart, text, logprobs: z.array(z.never()).optional() }),
  event("response.reasoning_text.delta", { ...inPart, delta: text }),
  event("response.reasoning_text.done", { ...inPart, text }),
  event("response.function_call_arguments.delta", { ...inItem, delta: text }),
  // `name` is the openai client's.
  event("response.function_call_arguments.done", { ...inItem, name: text, arguments: text }),
]);

export const socketError = z.strictObject({
  type: z.literal("error"),
  status: z.int().min(400).max(599),
  error: z.strictObject({ type: text, code: text, message: text, param: nullable(text) }),
});

export const compactResource = z.strictObject({
  id: text.regex(/^resp_/),
  object: z.literal("response.compaction"),
  output: z.array(item),
  created_at: z.int(),
  usage,
});

export const inputTokens = z.strictObject({ object: z.literal("response.input_tokens"), input_tokens: z.int().min(1) });

export function assertIs(schema: z.ZodType, value: unknown): void {
  const result = schema.safeParse(value);
  assert.ok(result.success, `${z.prettifyError(result.error ?? new z.ZodError([]))}\n${JSON.stringify(value)}`);
}

/** A whole stream: each event's form, the numbers, the order, and that parts add up to items and items to the response. */
export function assertStream(events: readonly Event[]): void {
  for (const each of events) assertIs(streamEvent, each);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    [...events.keys()],
  );
  assert.deepEqual(
    events.slice(0, 2).map(({ type }) => type),
    ["response.created", "response.in_progress"],
  );
  const last = events.at(-1);
  assert.match(last?.type, /^response\.(completed|incomplete|failed)$/);
  assert.equal(new Set(events.flatMap(({ response }) => (response ? [response.id] : []))).size, 1);
  const done = events.filter(({ type }) => type === "response.output_item.done");
  assert.deepEqual(
    done.map((each) => each.output_index),
    [...done.keys()],
  );
  assert.deepEqual(
    done.map((each) => each.item),
    last?.response.output,
  );
  for (const each of done) assertItem(events, each);
}

/** Added, grown by its deltas, done: nothing else, and nothing of another item between. */
function assertItem(events: readonly Event[], { item: { id, type, content, ...rest }, output_index: at }: Event): void {
  const own = events.filter(
    (each) => each.item_id === id || (each.item?.id === id && each.type.includes("output_item")),
  );
  const first = events.indexOf(own[0] as Event);
  assert.deepEqual(own, events.slice(first, first + own.length), "events of an item stand together");
  assert.ok(own.every((each) => each.output_index === at));
  const kinds = own.map((each) => each.type.replace(/^response\./, "")).filter((kind) => !kind.endsWith(".delta"));
  const name = { message: "output_text", reasoning: "reasoning_text", function_call: "function_call_arguments" }[
    type as string
  ];
  const parts = type === "function_call" ? [[], []] : [["content_part.added"], ["content_part.done"]];
  assert.deepEqual(kinds, [
    "output_item.added",
    ...(parts[0] ?? []),
    `${name}.done`,
    ...(parts[1] ?? []),
    "output_item.done",
  ]);
  const whole = own.flatMap((each) => each.delta ?? []).join("");
  assert.equal(whole, type === "function_call" ? rest.arguments : content[0].text);
}
