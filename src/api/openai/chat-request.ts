/** A chat completion's request in the service's words. Pure. */
import { type AskedChoice, toolUse } from "../../service/tool-use.js";
import type { GenerationRequest, Message, Tool } from "../../service/types.js";
import type { ChatMessage, ChatRequest } from "./chat-schema.js";
import { toFormat } from "./constraints.js";
import { toMaxTokens, toSampling, toStop, toText } from "./fields.js";

/** One for each of the `n` answers. */
export function toGenerations(request: ChatRequest, model: string, signal: AbortSignal): GenerationRequest[] {
  const shared = {
    model,
    messages: toMessages(request.messages),
    inputField: "messages",
    ...toolUse((request.tools ?? []).map(toTool), toChoice(request.tool_choice)),
    parallelToolCalls: request.parallel_tool_calls ?? true,
    reasoningEffort: request.reasoning_effort ?? null,
    format: toFormat(request),
    maxTokens: toMaxTokens(request.max_completion_tokens, request.max_tokens),
    stop: toStop(request.stop),
    ...(request.logprobs && { topLogprobs: request.top_logprobs ?? 0 }),
    cacheKey: request.prompt_cache_key ?? request.user ?? null,
    generate: true,
    signal,
  };
  return Array.from({ length: request.n ?? 1 }, (_, index) => ({ ...shared, sampling: toSampling(request, index) }));
}

function toMessages(messages: readonly ChatMessage[]): Message[] {
  const names = new Map<string, string>();
  return messages.map((message, i) => {
    const content = toText(message.content, `messages[${i}].content`);
    if (message.role === "tool") {
      const toolName = names.get(message.tool_call_id);
      return {
        role: "tool",
        content,
        toolCallId: message.tool_call_id,
        ...(toolName !== undefined && { toolName }),
      };
    }
    if (message.role !== "assistant") return { role: message.role, content };
    const calls = message.tool_calls ?? [];
    for (const call of calls) names.set(call.id, call.function.name);
    return {
      role: "assistant",
      content,
      ...(message.reasoning_content && { reasoning: message.reasoning_content }),
      ...(calls.length > 0 && { toolCalls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
    };
  });
}

function toTool({ function: { name, description, parameters } }: NonNullable<ChatRequest["tools"]>[number]): Tool {
  return { name, ...(description && { description }), ...(parameters && { parameters }) };
}

function toChoice(choice: ChatRequest["tool_choice"]): AskedChoice | null | undefined {
  if (typeof choice !== "object" || choice === null) return choice;
  if (choice.type === "function") return { name: choice.function.name };
  const { mode, tools } = choice.allowed_tools;
  return { allowed: tools.map(({ function: { name } }) => name), mode };
}
