/** The held-out dialogues of models/spark, and what counts as a right answer to each. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Message, Tool } from "../../src/chat/messages.js";
import { root } from "../helpers/shared.js";
import type { Answer } from "./client.js";

export const heldOut = path.join(root, "models", "spark", "heldout");

/** Whole dialogues, for perplexity. */
export const heldOutText = path.join(heldOut, "dialogues.txt");

const call = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) });
export const message = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string(),
  tool_calls: z.array(z.object({ function: call })).optional(),
});
export const tool = z.object({
  function: z.object({
    name: z.string(),
    description: z.string(),
    parameters: z.record(z.string(), z.unknown()),
  }),
});
const line = z.object({
  id: z.string(),
  made_up: z.boolean(),
  messages: z.array(message),
  tools: z.array(z.string()),
  expect: z.object({
    calls: z.array(call).optional(),
    contains: z.array(z.string()).optional(),
    keywords: z.array(z.string()).optional(),
    subject: z.string().optional(),
  }),
});

export interface Dialogue {
  readonly id: string;
  /** Its names are random syllables. */
  readonly madeUp: boolean;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly expect: z.infer<typeof line>["expect"];
}

/** kind: commands, refusals, questions, stories; of the folder that heldout.py wrote. */
export function readDialogues(kind: string, folder = heldOut): Dialogue[] {
  const schemas = readTools(folder);
  const lines = readFileSync(path.join(folder, `${kind}.jsonl`), "utf8")
    .trim()
    .split("\n");
  return lines.map((text) => {
    const { id, made_up: madeUp, messages, tools, expect } = line.parse(JSON.parse(text));
    return { id, madeUp, messages: messages.map(toMessage), tools: tools.map((name) => schemas(name)), expect };
  });
}

function readTools(folder: string): (name: string) => Tool {
  const tools = z.record(z.string(), tool).parse(JSON.parse(readFileSync(path.join(folder, "tools.json"), "utf8")));
  return (name) => {
    const known = tools[name];
    if (!known) throw new Error(`heldout/tools.json has no ${name}`);
    return known.function;
  };
}

export function toMessage({ role, content, tool_calls }: z.infer<typeof message>): Message {
  const toolCalls = tool_calls?.map(({ function: { name, arguments: args } }, i) => ({
    id: `call_${i}`,
    name,
    arguments: JSON.stringify(args),
  }));
  return { role, content, ...(toolCalls ? { toolCalls } : {}) };
}

/** The exact calls, in their order; or an answer in words with all that it has to say. */
export function isRight({ expect }: Dialogue, { text, calls }: Answer): boolean {
  if (expect.calls) return isDeepStrictEqual(calls, expect.calls);
  if (expect.subject !== undefined) return isGoodStory(text) && includes(text, expect.subject);
  const words = [...(expect.contains ?? []), ...(expect.keywords ?? [])];
  return text.trim() !== "" && calls?.length === 0 && words.every((word) => includes(text, word));
}

export function namesSubject({ expect }: Dialogue, text: string): boolean {
  return includes(text, expect.subject ?? "");
}

function includes(text: string, words: string): boolean {
  return text.toLowerCase().includes(words.toLowerCase());
}

/** Some sentences, and no four words more than three times. */
export function isGoodStory(answer: string): boolean {
  const words = answer.toLowerCase().split(/\s+/).filter(Boolean);
  const counts = new Map<string, number>();
  for (let i = 0; i + 4 <= words.length; i++) {
    const four = words.slice(i, i + 4).join(" ");
    counts.set(four, (counts.get(four) ?? 0) + 1);
  }
  return words.length > 20 && Math.max(...counts.values()) <= 3;
}
