/** Ollama's requests in the service's words. Pure. */
import { askedSampling } from "../../service/sampling.js";
import { type GenerationRequest, type Message, type OutputFormat, roles, type Tool } from "../../service/types.js";
import { type ChatRequest, type GenerateRequest, type Options, toKeepAliveMs } from "./schema.js";

export function toChat(request: ChatRequest, model: string, signal: AbortSignal): GenerationRequest {
  return {
    ...common(request, model, signal),
    messages: toMessages(request.messages ?? []),
    inputField: "messages",
    tools: (request.tools ?? []).map(toTool),
  };
}

export function toGenerate(request: GenerateRequest, model: string, signal: AbortSignal): GenerationRequest {
  const system: Message[] = request.system ? [{ role: "system", content: request.system }] : [];
  return {
    ...common(request, model, signal),
    messages: [...system, { role: "user", content: request.prompt ?? "" }],
    raw: request.raw ?? false,
    inputField: "prompt",
  };
}

function common(
  request: ChatRequest | GenerateRequest,
  model: string,
  signal: AbortSignal,
): Omit<GenerationRequest, "messages"> {
  const { options, think } = request;
  const limit = options?.num_predict ?? -1;
  const keepAliveMs = toKeepAliveMs(request.keep_alive);
  const stop = options?.stop ?? [];
  return {
    model,
    sampling: toSampling(options ?? {}),
    reasoningEffort: think === false ? "none" : typeof think === "string" ? think : null,
    format: toFormat(request.format),
    maxTokens: limit < 0 ? null : Math.max(limit, 1),
    stop: typeof stop === "string" ? [stop] : stop,
    ...(request.logprobs && { topLogprobs: request.top_logprobs ?? 0 }),
    truncation: request.truncate === false ? "disabled" : "auto",
    cacheKey: null,
    generate: limit !== 0,
    signal,
    ...(keepAliveMs !== undefined && { keepAliveMs }),
  };
}

function toSampling(options: Options): GenerationRequest["sampling"] {
  return askedSampling({
    temperature: options.temperature,
    topK: notNegative(options.top_k),
    topP: options.top_p,
    minP: options.min_p,
    typicalP: options.typical_p,
    repetitionPenalty: options.repeat_penalty,
    penaltyLastN: options.repeat_last_n,
    presencePenalty: options.presence_penalty,
    frequencyPenalty: options.frequency_penalty,
    seed: (options.seed ?? -1) < 0 ? null : options.seed,
  });
}

/** -1 is how llama.cpp and Ollama switch it off. */
function notNegative(value: number | null | undefined): number | null | undefined {
  return typeof value === "number" ? Math.max(value, 0) : value;
}

function toFormat(format: ChatRequest["format"]): OutputFormat {
  if (!format) return { type: "text" };
  return format === "json" ? { type: "json_object" } : { type: "json_schema", schema: format, strict: false };
}

function toTool({ function: { name, description, parameters } }: NonNullable<ChatRequest["tools"]>[number]): Tool {
  return { name, ...(description && { description }), ...(parameters && { parameters }) };
}

/** Templates compare in lower case. A role that we do not know is theirs, as it is. */
function roleOf(role: string): string {
  const lower = role.toLowerCase();
  return (roles as readonly string[]).includes(lower) ? lower : role;
}

/** Ollama's calls have no ids, and its results only a tool's name: a result answers the first call that waits for one. */
function toMessages(messages: NonNullable<ChatRequest["messages"]>): Message[] {
  const waiting: { id: string; name: string }[] = [];
  return messages.map((message, i) => {
    const content = message.content ?? "";
    const role = roleOf(message.role);
    if (role === "tool") {
      const at = waiting.findIndex(({ id, name }) =>
        message.tool_call_id ? id === message.tool_call_id : !message.tool_name || name === message.tool_name,
      );
      const [answered] = at < 0 ? [] : waiting.splice(at, 1);
      const toolName = message.tool_name ?? answered?.name;
      return {
        role: "tool",
        content,
        ...(answered && { toolCallId: answered.id }),
        ...(toolName && { toolName }),
      };
    }
    const toolCalls = (message.tool_calls ?? []).map(({ id, function: called }, n) => ({
      id: id ?? `call_${i}_${n}`,
      name: called.name,
      arguments: JSON.stringify(called.arguments ?? {}),
    }));
    waiting.push(...toolCalls);
    return {
      role,
      content,
      ...(message.thinking && { reasoning: message.thinking }),
      ...(toolCalls.length > 0 && { toolCalls }),
    };
  });
}
