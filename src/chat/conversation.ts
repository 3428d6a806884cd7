/**
 * A conversation in the form that a chat template reads: OpenAI's chat messages, fitted to what the template can do. What it
 * has no place for, tools, calls or their results, is written into the text as the model would write it.
 */
import { createHash } from "node:crypto";
import { isRecord } from "./answers/events.js";
import type { AnswerFormat } from "./answers/formats.js";
import { type JsonValue, readJson } from "./jinja/json-reader.js";
import type { Message, ToolCall } from "./messages.js";
import type { TemplateTraits } from "./template-traits.js";
import { toolInstructions, toolResponse } from "./tool-prompt.js";

/** A message whose strings are no longer the user's alone: marks may stand in them (control-token-shield.ts). */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly TemplateCall[];
  readonly tool_call_id?: string;
  readonly name?: string;
}

interface TemplateCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** `knowsDeveloper`: the template has that role; to most it is the newer name of the system. */
export function templateMessage(message: Message, knowsDeveloper: boolean): TemplateMessage {
  const { role, content, reasoning, toolCalls, toolCallId, toolName } = message;
  return {
    role: role === "developer" && !knowsDeveloper ? "system" : role,
    content,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls?.length ? { tool_calls: toolCalls.map(templateCall) } : {}),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolName === undefined ? {} : { name: toolName }),
  };
}

function templateCall({ id, name, arguments: args }: ToolCall): TemplateCall {
  return { id, type: "function", function: { name, arguments: parsedArguments(args) } };
}

function parsedArguments(text: string): unknown {
  try {
    return plainJson(readJson(text === "" ? "{}" : text));
  } catch {
    return text; // the model wrote no JSON then; it is to see what it wrote
  }
}

/** With plain objects; 1.0 stays a `Number` object, which templates print as a float (jinja/convert.ts). */
function plainJson(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value === "bigint") return Number(value);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, item]) => [key, plainJson(item)]));
}

export interface FittedConversation {
  readonly messages: readonly TemplateMessage[];
  /** For the template; empty where it has no place for them. */
  readonly tools: readonly Record<string, unknown>[];
}

export function fitConversation(
  messages: readonly TemplateMessage[],
  tools: readonly Record<string, unknown>[],
  traits: TemplateTraits,
  format: AnswerFormat,
): FittedConversation {
  const fitted = messages.map((message) => fitMessage(message, traits, format));
  const merged = traits.results ? fitted : mergeResults(fitted);
  if (tools.length === 0 || traits.tools) return { messages: merged, tools };
  const example = format.tools.write([{ name: "NAME", arguments: { PARAMETER: "VALUE" } }]);
  return { messages: withInstructions(merged, toolInstructions(tools, example), traits), tools: [] };
}

function fitMessage(message: TemplateMessage, traits: TemplateTraits, format: AnswerFormat): TemplateMessage {
  const { tool_calls: calls, content } = message;
  if (message.role === "tool" && !traits.results) return { role: "user", content: toolResponse(content ?? "") };
  const id = message.tool_call_id;
  const fitted = id !== undefined && traits.shortIds ? { ...message, tool_call_id: shortId(id) } : message;
  if (!calls) return fitted;
  if (!traits.calls) return { role: message.role, content: writtenCalls(content ?? "", calls, format) };
  return {
    ...fitted,
    content: content === "" && traits.nullContent ? null : content,
    tool_calls: calls.map((call) => fitCall(call, traits)),
  };
}

function fitCall(call: TemplateCall, { shortIds, argumentsAsText }: TemplateTraits): TemplateCall {
  const { name, arguments: args } = call.function;
  const text = argumentsAsText && typeof args !== "string";
  return {
    id: shortIds ? shortId(call.id) : call.id,
    type: "function",
    function: { name, arguments: text ? JSON.stringify(args) : args },
  };
}

function writtenCalls(content: string, calls: readonly TemplateCall[], { tools }: AnswerFormat): string {
  const written = tools.write(
    calls.map(({ function: { name, arguments: args } }) => ({
      name,
      arguments: isRecord(args) ? JSON.parse(JSON.stringify(args)) : {}, // with 1.0 as 1, a plain number
    })),
  );
  return content === "" ? written : `${content}\n${written}`;
}

/** Results as messages of the user: several become one, since many templates want turns to alternate. */
function mergeResults(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const merged: TemplateMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (message.role === "user" && last?.role === "user" && last.content?.startsWith("<tool_response>")) {
      merged[merged.length - 1] = { ...last, content: `${last.content}\n${message.content ?? ""}` };
    } else {
      merged.push(message);
    }
  }
  return merged;
}

function withInstructions(
  messages: readonly TemplateMessage[],
  instructions: string,
  traits: TemplateTraits,
): TemplateMessage[] {
  const role = traits.system ? "system" : "user";
  const [first, ...rest] = messages;
  if (first?.role === role) return [{ ...first, content: `${instructions}\n\n${first.content ?? ""}` }, ...rest];
  if (traits.system) return [{ role, content: instructions }, ...messages];
  const at = messages.findIndex((message) => message.role === "user");
  return messages.map((message, i) =>
    i === at ? { ...message, content: `${instructions}\n\n${message.content ?? ""}` } : message,
  );
}

/** Nine letters and digits that are as different as the ids are. */
function shortId(id: string): string {
  if (/^[a-zA-Z0-9]{9}$/.test(id)) return id;
  const digest = createHash("sha256").update(id).digest("base64");
  return digest
    .replace(/[^a-zA-Z0-9]/g, "")
    .padEnd(9, "0")
    .slice(0, 9);
}
