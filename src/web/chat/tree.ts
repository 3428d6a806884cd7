/**
 * A chat as a tree: every message knows the one before it, and a message that was edited or answered again has siblings. `leaf` names
 * the end of the branch that is shown. Pure.
 */
import type { AnswerPart, AnswerStatus, CallPart } from "../common/answer.js";

interface BaseNode {
  readonly id: string;
  /** null for the first message. */
  readonly parent: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface UserNode extends BaseNode {
  readonly role: "user";
  readonly text: string;
}

/** The result of a call, as the user gave it. */
export interface ToolNode extends BaseNode {
  readonly role: "tool";
  readonly results: readonly { readonly callId: string; readonly output: string }[];
}

export interface AssistantNode extends BaseNode {
  readonly role: "assistant";
  readonly status: AnswerStatus;
  readonly parts: readonly AnswerPart[];
  readonly responseId: string | null;
  readonly model: string | null;
  readonly error: string | null;
  /** The reason of an answer that is incomplete. */
  readonly reason: string | null;
  readonly figures: Figures;
}

export interface Figures {
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  /** Milliseconds from the question to the first token. */
  readonly firstMs: number | null;
  readonly tokensPerSecond: number | null;
}

export type ChatNode = UserNode | ToolNode | AssistantNode;

/** How a chat's requests are asked; what is null is left to the server. */
export interface ChatSettings {
  readonly model: string | null;
  readonly instructions: string;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly maxTokens: number | null;
  readonly seed: number | null;
  /** `none` turns reasoning off where the model has a switch. */
  readonly effort: string | null;
  /** A JSON schema that answers have to match, as text; empty: none. */
  readonly schema: string;
  /** Tools as a JSON array of functions, as text; empty: none. */
  readonly tools: string;
}

export const noSettings: ChatSettings = {
  model: null,
  instructions: "",
  temperature: null,
  topP: null,
  maxTokens: null,
  seed: null,
  effort: null,
  schema: "",
  tools: "",
};

export interface ChatContent {
  readonly version: 1;
  readonly settings: ChatSettings;
  readonly nodes: readonly ChatNode[];
  readonly leaf: string | null;
}

export function newContent(settings: ChatSettings): ChatContent {
  return { version: 1, settings, nodes: [], leaf: null };
}

/** The messages from the first to `leaf`. */
export function pathTo(nodes: readonly ChatNode[], leaf: string | null): ChatNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const path: ChatNode[] = [];
  const seen = new Set<string>();
  for (let id = leaf; id !== null && !seen.has(id); ) {
    seen.add(id); // an imported file may go in circles
    const node = byId.get(id);
    if (!node) break;
    path.push(node);
    id = node.parent;
  }
  return path.reverse();
}

/** The message and those that stand in its place in other branches, the oldest first. */
export function siblingsOf(nodes: readonly ChatNode[], { parent, role }: ChatNode): ChatNode[] {
  return nodes.filter((node) => node.parent === parent && node.role === role);
}

/** The end of the newest branch that goes through a message. */
export function leafBelow(nodes: readonly ChatNode[], id: string): string {
  const seen = new Set<string>();
  let leaf = id;
  while (!seen.has(leaf)) {
    seen.add(leaf);
    const child = nodes.findLast(({ parent }) => parent === leaf);
    if (!child) break;
    leaf = child.id;
  }
  return leaf;
}

/** Adds a message or replaces the one with its id; the branch that is shown ends with `leaf`. */
export function withNode(content: ChatContent, node: ChatNode, leaf: string | null = content.leaf): ChatContent {
  const at = content.nodes.findIndex(({ id }) => id === node.id);
  const nodes = at < 0 ? [...content.nodes, node] : content.nodes.with(at, node);
  return { ...content, nodes, leaf };
}

/** One chat of what two devices made of it: all messages of both. Where both have a message, the answer that is further wins. */
export function merge(mine: ChatContent, theirs: ChatContent): ChatContent {
  const nodes = new Map(theirs.nodes.map((node) => [node.id, node]));
  for (const node of mine.nodes) {
    const other = nodes.get(node.id);
    if (!other || weightOf(node) >= weightOf(other)) nodes.set(node.id, node);
  }
  const sorted = [...nodes.values()].sort((a, b) => a.at - b.at);
  // A branch that another device went on with is shown to its new end.
  const isGoneOn = mine.leaf === null || pathTo(sorted, theirs.leaf).some(({ id }) => id === mine.leaf);
  return { ...mine, nodes: sorted, leaf: isGoneOn ? theirs.leaf : mine.leaf };
}

/** An answer that a device gave up does not replace one that another device has whole. */
function weightOf(node: ChatNode): number {
  if (!isDone(node)) return 0;
  return node.role === "assistant" && node.status === "cancelled" ? 1 : 2;
}

export function isDone(node: ChatNode): boolean {
  return node.role !== "assistant" || ["completed", "incomplete", "cancelled", "failed"].includes(node.status);
}

/** The items of a request's input for a branch. Answers that failed or have nothing are left out. */
export function inputFor(path: readonly ChatNode[]): object[] {
  return path.flatMap((node): object[] => {
    if (node.role === "user") return [{ role: "user", content: node.text }];
    if (node.role === "tool") {
      return node.results.map(({ callId, output }) => ({ type: "function_call_output", call_id: callId, output }));
    }
    return node.parts.flatMap(toItem);
  });
}

function toItem(part: AnswerPart): object[] {
  if (part.kind === "call") {
    // Half a call has no result that could follow it.
    if (!part.isWhole) return [];
    return [{ type: "function_call", call_id: part.callId, name: part.name, arguments: part.arguments }];
  }
  if (part.text === "") return [];
  if (part.kind === "text") return [{ role: "assistant", content: part.text }];
  return [{ type: "reasoning", content: [{ type: "reasoning_text", text: part.text }], summary: [] }];
}

export function textOf(node: ChatNode): string {
  if (node.role === "user") return node.text;
  if (node.role === "tool") return node.results.map(({ output }) => output).join("\n");
  return node.parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("\n\n");
}

/** A chat's name where nobody gave it one: the beginning of its first question. */
export function titleOf({ nodes }: ChatContent): string {
  const first = nodes.find(({ role }) => role === "user");
  const line = first ? textOf(first).replace(/\s+/g, " ").trim() : "";
  return [...line].length > 60 ? `${[...line].slice(0, 59).join("")}…` : line;
}

/** Whole calls of an answer that wait for their results. */
export function openCalls(node: ChatNode | undefined): CallPart[] {
  if (node?.role !== "assistant" || node.status !== "completed") return [];
  return node.parts.flatMap((part) => (part.kind === "call" && part.isWhole ? [part] : []));
}
