/** Reads an answer through a parser, cut into pieces, and puts its events together again. */
import assert from "node:assert/strict";
import type { AnswerEvent } from "../../src/chat/answers/events.js";
import type { AnswerFormat } from "../../src/chat/answers/formats.js";
import { AnswerParser } from "../../src/chat/answers/parser.js";
import type { Tool } from "../../src/chat/messages.js";

export interface ReadAnswer {
  text: string;
  reasoning: string;
  /** `incomplete` for one that broke off. */
  calls: ({ name: string; arguments: unknown } | "incomplete")[];
}

export interface ReadOptions {
  /** The answer follows the grammar of calls. */
  readonly isHeld?: boolean;
  /** A limit ended the answer. */
  readonly isCut?: boolean;
}

/** `size`: UTF-16 units a piece. */
export function read(
  format: AnswerFormat,
  tools: readonly Tool[],
  answer: string,
  size: number,
  inReasoning = false,
  { isHeld = false, isCut = false }: ReadOptions = {},
): ReadAnswer {
  const parser = new AnswerParser(format, { tools, inReasoning });
  if (isHeld) parser.expectHeldCalls();
  const events: AnswerEvent[] = [];
  for (let at = 0; at < answer.length; at += size) events.push(...parser.push(answer.slice(at, at + size)));
  return together([...events, ...parser.finish({ isCut })]);
}

/** Fails where events of a call stand outside of one. */
export function together(events: readonly AnswerEvent[]): ReadAnswer {
  const result: ReadAnswer = { text: "", reasoning: "", calls: [] };
  let open: { name: string; json: string } | null = null;
  for (const event of events) {
    assert.equal(open !== null, event.type === "arguments" || event.type === "callEnd", event.type);
    if (event.type === "text" || event.type === "reasoning") result[event.type] += event.text;
    if (event.type === "call") open = { name: event.name, json: "" };
    if (event.type === "arguments" && open) open.json += event.text;
    if (event.type === "callEnd" && open) {
      result.calls.push(event.complete ? { name: open.name, arguments: JSON.parse(open.json) } : "incomplete");
      open = null;
    }
  }
  assert.equal(open, null);
  return result;
}
