/** GET /v1/responses/ID/input_items: the items of a response's request, each with an id, page by page. Pure but for the ids. */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { inWords } from "../../net/openapi-notes.js";
import { parseAt } from "../../net/validate.js";
import { newId } from "./resource.js";

export interface InputItem {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The items of an accepted request's input: every item has the form that its type asks for. */
export function toInputItems(input: string | readonly unknown[] | null | undefined): readonly InputItem[] {
  if (typeof input === "string") return [toItem({ role: "user", content: input })];
  return (input ?? []).map((item) => toItem(item as Readonly<Record<string, unknown>>));
}

function toItem(item: Readonly<Record<string, unknown>>): InputItem {
  const type = typeof item.type === "string" ? item.type : "message";
  const id = typeof item.id === "string" ? item.id : newId(prefixes[type] ?? "msg");
  if (type !== "message") return { ...item, id, type };
  const { content, role } = item;
  const parts = typeof content === "string" ? [toPart(role, content)] : content;
  return { ...item, id, type, status: item.status ?? "completed", content: parts };
}

const prefixes: Readonly<Record<string, "fc" | "rs" | "cmp">> = {
  function_call: "fc",
  function_call_output: "fc",
  reasoning: "rs",
  compaction: "cmp",
};

function toPart(role: unknown, text: string): object {
  return role === "assistant" ? { type: "output_text", text, annotations: [] } : { type: "input_text", text };
}

export const pageSchema = z.object({
  /** How many; 20 without it. */
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, "expected a number from 1 to 100")
    .optional(),
  /** Without it the newest first. */
  order: z.enum(["asc", "desc"]).optional(),
  /** The id of the last item of the page before. */
  after: z.string().max(256).optional().meta(inWords),
});

/** One page of the items. REQUEST_INVALID. */
export function pageOf(items: readonly InputItem[], query: unknown) {
  const { limit = "20", order = "desc", after } = parseAt(pageSchema, query, "");
  const ordered = order === "asc" ? items : items.toReversed();
  const start = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    const message = `after: the response has no input item ${JSON.stringify(after.slice(0, 200))}.`;
    throw new HearthError("REQUEST_INVALID", message, { param: "after" });
  }
  const data = ordered.slice(start, start + Number(limit));
  return {
    object: "list" as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < ordered.length,
  };
}
