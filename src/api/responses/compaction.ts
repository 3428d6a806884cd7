/**
 * Compaction: a conversation as what the user said in it and a summary by the model. The summary travels in an item that
 * clients hand back unread. Pure; the model is asked in compact.ts.
 */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { parseAt } from "../../net/validate.js";
import type { Message } from "../../service/types.js";
import { newId } from "./resource.js";

export interface CompactionItem {
  readonly id: string;
  readonly type: "compaction";
  readonly encrypted_content: string;
}

/** Changes with the form of the content. */
const contentVersion = 1;
const itemSchema = z.object({ type: z.literal("compaction"), encrypted_content: z.string() });
const contentSchema = z.object({ version: z.literal(contentVersion), summary: z.string() });

/** This question precedes a summary that no user message does. */
const recall = "What have we talked about so far?";

/** Encoded, not encrypted: nothing in it is a secret of the server, and its holder may say anything in messages anyway. */
export function compactionItem(summary: string): CompactionItem {
  const content = Buffer.from(JSON.stringify({ version: contentVersion, summary })).toString("base64url");
  return { id: newId("cmp"), type: "compaction", encrypted_content: content };
}

/** The summary of a compaction item; null for an item of another type. REQUEST_INVALID. */
export function readCompaction(item: unknown, path: string): string | null {
  if (typeof item !== "object" || item === null || !("type" in item) || item.type !== "compaction") return null;
  const { encrypted_content: content } = parseAt(itemSchema, item, path);
  try {
    return contentSchema.parse(JSON.parse(Buffer.from(content, "base64url").toString("utf8"))).summary;
  } catch (error) {
    const message = `${path}: the compaction is none that this server made.`;
    throw new HearthError("REQUEST_INVALID", message, { param: `${path}.encrypted_content`, cause: error });
  }
}

/** `messages`, of which the summary tells, shortened to it: what the user said, in one message, and the summary as the answer. */
export function withSummary(messages: readonly Message[], summary: string): readonly Message[] {
  const system = messages.filter(({ role }) => role === "system" || role === "developer");
  const said = messages.filter(({ role }) => role === "user").map(({ content }) => content);
  const user = said.length === 0 ? recall : said.join("\n\n");
  return [...system, { role: "user", content: user }, { role: "assistant", content: summary }];
}
