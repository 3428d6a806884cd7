/** Chats as a file of JSON, and back. What a file holds is checked: it may come from anybody. */
import type { AnswerPart } from "../common/answer.js";
import type { Chat } from "./chat.js";
import { type ChatContent, type ChatNode, type ChatSettings, noSettings } from "./tree.js";

const format = "hearth-chats";

export function toFile(chats: readonly Chat[]): string {
  const shown = chats.map(({ id, title, updatedAt, content }) => ({ id, title, updatedAt, content }));
  return `${JSON.stringify({ format, version: 1, chats: shown }, null, 1)}\n`;
}

/** null for a file that holds no chats. */
export function fromFile(text: string): { title: string; content: ChatContent }[] | null {
  try {
    const file = JSON.parse(text);
    if (file?.format !== format || !Array.isArray(file.chats)) return null;
    return file.chats.map((chat: Record<string, unknown>) => ({
      title: string(chat.title).slice(0, 256),
      content: toContent(chat.content as Record<string, unknown>),
    }));
  } catch {
    return null;
  }
}

const string = (value: unknown) => (typeof value === "string" ? value : "");
const orNull = (value: unknown) => (typeof value === "string" ? value : null);
const numberOrNull = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : null);

function toContent(value: Record<string, unknown>): ChatContent {
  const nodes = (value.nodes as Record<string, unknown>[]).map(toNode);
  return { version: 1, settings: toSettings((value.settings ?? {}) as never), nodes, leaf: orNull(value.leaf) };
}

function toSettings(value: Record<string, unknown>): ChatSettings {
  return {
    ...noSettings,
    model: orNull(value.model),
    instructions: string(value.instructions),
    temperature: numberOrNull(value.temperature),
    topP: numberOrNull(value.topP),
    maxTokens: numberOrNull(value.maxTokens),
    seed: numberOrNull(value.seed),
    effort: orNull(value.effort),
    schema: string(value.schema),
    tools: string(value.tools),
  };
}

function toNode(value: Record<string, unknown>): ChatNode {
  const base = { id: string(value.id), parent: orNull(value.parent), at: numberOrNull(value.at) ?? 0 };
  if (value.role === "user") return { ...base, role: "user", text: string(value.text) };
  if (value.role === "tool") {
    const results = (value.results as Record<string, unknown>[]).map(({ callId, output }) => ({
      callId: string(callId),
      output: string(output),
    }));
    return { ...base, role: "tool", results };
  }
  const figures = (value.figures ?? {}) as Record<string, unknown>;
  return {
    ...base,
    role: "assistant",
    status: ["completed", "incomplete", "failed"].includes(string(value.status))
      ? (value.status as "completed")
      : "cancelled",
    parts: (value.parts as Record<string, unknown>[]).map(toPart),
    responseId: null,
    model: orNull(value.model),
    error: orNull(value.error),
    reason: orNull(value.reason),
    figures: {
      inputTokens: numberOrNull(figures.inputTokens),
      cachedTokens: numberOrNull(figures.cachedTokens),
      outputTokens: numberOrNull(figures.outputTokens),
      firstMs: numberOrNull(figures.firstMs),
      tokensPerSecond: numberOrNull(figures.tokensPerSecond),
    },
  };
}

function toPart(value: Record<string, unknown>): AnswerPart {
  if (value.kind !== "call") {
    return { kind: value.kind === "reasoning" ? "reasoning" : "text", text: string(value.text) };
  }
  const { callId, name, arguments: args, isWhole } = value;
  return {
    kind: "call",
    callId: string(callId),
    name: string(name),
    arguments: string(args),
    isWhole: isWhole === true,
  };
}
