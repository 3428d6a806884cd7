/** The Response object and its items as the public API defines them. Every field is there, and no number is ever null. */
import { randomBytes } from "node:crypto";
import type { Priority } from "../../base/demand.js";
import type { defaultSampling, Usage } from "../../service/types.js";
import type { CreateRequest, FunctionTool } from "./schema.js";

export type ResponseStatus = "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

export interface OutputText {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly never[];
  readonly "hearth:token_ids"?: readonly number[];
}

export type ItemStatus = "in_progress" | "completed" | "incomplete";

export interface OutputMessage {
  readonly id: string;
  readonly type: "message";
  readonly status: ItemStatus;
  readonly role: "assistant";
  readonly content: readonly OutputText[];
}

export interface ReasoningItem {
  readonly id: string;
  readonly type: "reasoning";
  readonly status: ItemStatus;
  readonly summary: readonly never[];
  readonly content: readonly { readonly type: "reasoning_text"; readonly text: string }[];
}

export interface FunctionCallItem {
  readonly id: string;
  readonly type: "function_call";
  readonly status: ItemStatus;
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

export type OutputItem = OutputMessage | ReasoningItem | FunctionCallItem;

/** The fields that change while a response is made; the others echo the request. */
export interface ResponseState {
  readonly status: ResponseStatus;
  readonly completed_at: number | null;
  readonly output: readonly OutputItem[];
  readonly usage: ReturnType<typeof toUsage> | null;
  readonly incomplete_details: { readonly reason: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export type ResponseResource = ReturnType<typeof describeRequest> & ResponseState;

/** The form of a response's id. */
export const responseIdPattern = /^resp_[0-9a-f]{48}$/;

/** Unguessable: who knows an id may go on with its conversation. */
export function newId(prefix: "resp" | "msg" | "rs" | "fc" | "cmp"): string {
  return `${prefix}_${randomBytes(24).toString("hex")}`;
}

/** The public API's words. */
const tiers = { high: "priority", default: "default", low: "flex" } as const satisfies Record<Priority, string>;

interface Answering {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly priority: Priority;
  /** In use: the request's, or the model's defaults. */
  readonly sampling: typeof defaultSampling;
  /** Parts of the conversation were left out. */
  readonly isShortened: boolean;
}

/** The part of a Response that echoes its request, with the values in use for what the request left open. */
export function describeRequest(
  request: CreateRequest,
  { id, model, createdAt, priority, sampling, isShortened }: Answering,
) {
  return {
    id,
    object: "response" as const,
    created_at: createdAt,
    model,
    instructions: request.instructions ?? null,
    previous_response_id: request.previous_response_id ?? null,
    temperature: request.temperature ?? sampling.temperature,
    top_p: request.top_p ?? sampling.topP,
    presence_penalty: request.presence_penalty ?? sampling.presencePenalty,
    frequency_penalty: request.frequency_penalty ?? sampling.frequencyPenalty,
    top_logprobs: 0,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    tools: (request.tools ?? []).map(describeTool),
    tool_choice: request.tool_choice ?? "auto",
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    text: { format: request.text?.format ?? { type: "text" as const }, verbosity: request.text?.verbosity ?? "medium" },
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    truncation: isShortened ? ("auto" as const) : (request.truncation ?? ("disabled" as const)),
    store: request.store ?? true,
    background: false,
    service_tier: tiers[priority],
    metadata: request.metadata ?? {},
    safety_identifier: request.safety_identifier ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    user: request.user ?? null,
  };
}

function describeTool({ name, description, parameters, strict }: FunctionTool) {
  return {
    type: "function" as const,
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? false,
  };
}

export function toUsage({ promptTokens, cachedTokens, generatedTokens, reasoningTokens }: Usage) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: generatedTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + generatedTokens,
  };
}
