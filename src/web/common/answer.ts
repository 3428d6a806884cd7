/** An answer as the events of a response tell it, whatever brings them. Pure: events in, state out. */
import { GrowingText, type Text } from "./growing-text.js";
import type { WireEvent } from "./wire-event.js";

export type AnswerStatus =
  | "waiting" // nobody has said anything yet
  | "queued"
  | "reading"
  | "writing"
  | "completed"
  | "incomplete"
  | "cancelled"
  | "failed";

export interface TextPart<T extends Text = string> {
  readonly kind: "text" | "reasoning";
  readonly text: T;
}

export interface CallPart<T extends Text = string> {
  readonly kind: "call";
  readonly callId: string;
  readonly name: string;
  /** JSON, where the call is whole. */
  readonly arguments: T;
  readonly isWhole: boolean;
}

/** A part as chats keep it. */
export type AnswerPart = TextPart | CallPart;

/** A part as it is shown, perhaps while it is written. */
export type ShownPart = TextPart<Text> | CallPart<Text>;

export interface PromptProgress {
  readonly read: number;
  readonly cached: number;
  readonly total: number;
  /** Milliseconds of the clock when the first such event came, and how many tokens had been read then. */
  readonly since: number;
  readonly readBefore: number;
}

export interface Answer {
  status: AnswerStatus;
  responseId: string | null;
  model: string | null;
  /** By their output index. */
  parts: ShownPart[];
  /** The number of the last event; -1 before the first. */
  lastNumber: number;
  /** The place in the queue, from 1. */
  position: number | null;
  progress: PromptProgress | null;
  /** Pieces of text that came: about a token each. */
  deltas: number;
  inputTokens: number | null;
  outputTokens: number | null;
  cachedTokens: number | null;
  /** Milliseconds of the clock. */
  askedAt: number;
  firstAt: number | null;
  lastAt: number | null;
  error: { readonly code: string; readonly message: string } | null;
  /** The reason of an answer that is incomplete. */
  reason: string | null;
}

export function newAnswer(now: number): Answer {
  return {
    status: "waiting",
    responseId: null,
    model: null,
    parts: [],
    lastNumber: -1,
    position: null,
    progress: null,
    deltas: 0,
    inputTokens: null,
    outputTokens: null,
    cachedTokens: null,
    askedAt: now,
    firstAt: null,
    lastAt: null,
    error: null,
    reason: null,
  };
}

export function isOver({ status }: Pick<Answer, "status">): boolean {
  return ["completed", "incomplete", "cancelled", "failed"].includes(status);
}

/** A response as the server describes it. */
export interface ResponseObject {
  readonly id: string;
  readonly model: string;
  readonly status: string;
  readonly output: readonly OutputItem[];
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly input_tokens_details?: { readonly cached_tokens?: number };
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly incomplete_details: { readonly reason: string } | null;
}

export interface OutputItem {
  readonly type: string;
  readonly status?: string;
  readonly content?: readonly { readonly text?: string }[];
  readonly call_id?: string;
  readonly name?: string;
  readonly arguments?: string;
}

/** Takes one event. Numbers that were seen before are left out: a stream that is read on may begin with some. `now` in milliseconds. */
export function take(answer: Answer, event: WireEvent, now: number): void {
  const { sequence_number: number } = event;
  if (number !== undefined) {
    if (number <= answer.lastNumber) return;
    answer.lastNumber = number;
  }
  const index = typeof event.output_index === "number" ? event.output_index : 0;
  switch (event.type) {
    case "response.created": {
      const response = event.response as ResponseObject;
      answer.responseId = response.id;
      answer.model = response.model;
      return;
    }
    case "hearth:queued":
      answer.status = "queued";
      answer.position = Number(event.position);
      return;
    case "hearth:prompt_progress":
      answer.status = "reading";
      answer.progress = progressOf(answer.progress, event, now);
      return;
    case "response.output_item.added":
      write(answer, now);
      answer.parts[index] = toPart(event.item as OutputItem);
      return;
    case "response.output_item.done":
      answer.parts[index] = toPart(event.item as OutputItem);
      return;
    case "response.output_text.delta":
    case "response.reasoning_text.delta":
      write(answer, now);
      append(answer, index, String(event.delta));
      return;
    case "response.function_call_arguments.delta":
      write(answer, now);
      append(answer, index, String(event.delta));
      return;
    case "response.completed":
    case "response.incomplete":
    case "response.failed":
      finish(answer, event.response as ResponseObject);
      return;
    default: // events of later versions change nothing that this page shows
  }
}

/** The end of a response, from its last event or from the server's store. */
export function finish(answer: Answer, response: ResponseObject): void {
  answer.responseId = response.id;
  answer.model = response.model;
  answer.status = toStatus(response.status);
  answer.parts = response.output.map(toPart);
  answer.inputTokens = response.usage?.input_tokens ?? null;
  answer.cachedTokens = response.usage?.input_tokens_details?.cached_tokens ?? null;
  answer.outputTokens = response.usage?.output_tokens ?? (answer.deltas || null);
  answer.error = response.error;
  answer.reason = response.incomplete_details?.reason ?? null;
}

function toStatus(status: string): AnswerStatus {
  return status === "completed" || status === "cancelled" || status === "failed" ? status : "incomplete";
}

function write(answer: Answer, now: number): void {
  answer.status = "writing";
  answer.firstAt ??= now;
  answer.lastAt = now;
}

function append(answer: Answer, index: number, delta: string): void {
  answer.deltas++;
  const part = answer.parts[index];
  if (!part) return;
  const text = part.kind === "call" ? part.arguments : part.text;
  if (text instanceof GrowingText) {
    text.append(delta);
    return;
  }
  const grown = new GrowingText(text + delta);
  answer.parts[index] = part.kind === "call" ? { ...part, arguments: grown } : { ...part, text: grown };
}

/** The parts of an answer as they are now, for its chat. */
export function keptParts({ parts }: Pick<Answer, "parts">): AnswerPart[] {
  return parts.map((part) =>
    part.kind === "call" ? { ...part, arguments: `${part.arguments}` } : { ...part, text: `${part.text}` },
  );
}

export function toPart(item: OutputItem): AnswerPart {
  if (item.type === "function_call") {
    const { call_id: callId = "", name = "", arguments: args = "", status } = item;
    return { kind: "call", callId, name, arguments: args, isWhole: status === "completed" };
  }
  const text = (item.content ?? []).map((part) => part.text ?? "").join("");
  return { kind: item.type === "reasoning" ? "reasoning" : "text", text };
}

function progressOf(before: PromptProgress | null, event: WireEvent, now: number): PromptProgress {
  const read = Number(event.read_tokens);
  return {
    read,
    cached: Number(event.cached_tokens),
    total: Number(event.total_tokens),
    since: before?.since ?? now,
    readBefore: before?.readBefore ?? read,
  };
}

/** Seconds until the prompt is read, going by its speed so far; null while that is not known. */
export function secondsToRead({ read, total, since, readBefore }: PromptProgress, now: number): number | null {
  const passedMs = now - since;
  if (read <= readBefore || passedMs < 500) return null;
  return ((total - read) * passedMs) / (read - readBefore) / 1000;
}

/** Tokens a second while it was written; null before there are enough to tell. */
export function tokensPerSecond({ firstAt, lastAt, deltas, outputTokens }: Answer): number | null {
  const tokens = outputTokens ?? deltas;
  if (firstAt === null || lastAt === null || tokens < 2 || lastAt - firstAt < 50) return null;
  return ((tokens - 1) * 1000) / (lastAt - firstAt);
}
