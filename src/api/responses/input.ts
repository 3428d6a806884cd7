/** Items of a conversation, a request's input or a response's output, as messages. Pure. */

import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import { parseAt, unsupported } from "../../net/validate.js";
import type { Message } from "../../service/types.js";
import { readCompaction, withSummary } from "./compaction.js";

const content = z.union([z.string(), z.array(z.unknown()).max(1024)]);
const itemSchema = z.looseObject({ type: z.string().max(64).nullish() });
const messageSchema = z.object({ role: z.enum(["user", "assistant", "system", "developer"]), content });
const reasoningSchema = z.object({
  content: z.array(z.unknown()).max(1024).nullish(),
  summary: z.array(z.unknown()).max(1024).nullish(),
});
const callSchema = z.object({ call_id: z.string().max(256), name: z.string().max(256), arguments: z.string() });
const resultSchema = z.object({ call_id: z.string().max(256), output: content });
const partSchema = z.looseObject({ type: z.string().max(64) });
const textSchema = z.object({ text: z.string() });
const refusalSchema = z.object({ refusal: z.string() });

/**
 * `before` and the items as one conversation; a string is the user's words. Reasoning, words and calls that follow each other
 * become one message of the assistant. Throws REQUEST_INVALID or REQUEST_UNSUPPORTED with the place in the input.
 */
export function toConversation(
  before: readonly Message[],
  input: string | readonly unknown[] | null | undefined,
): readonly Message[] {
  if (input === null || input === undefined) return before;
  if (typeof input === "string") return [...before, { role: "user", content: input }];
  const messages = [...before];
  let whole = before.length; // messages that nothing is joined to
  for (const [i, item] of input.entries()) {
    const compacted = readCompaction(item, `input[${i}]`);
    if (compacted !== null) {
      messages.splice(0, messages.length, ...withSummary(messages, compacted));
      whole = messages.length;
      continue;
    }
    const message = toMessage(item, `input[${i}]`, messages);
    const last = messages.at(-1);
    const joined = message && last && messages.length > whole ? join(last, message) : null;
    if (joined) messages[messages.length - 1] = joined;
    else if (message) messages.push(message);
  }
  return messages;
}

/** Two parts of one answer as one message; null where the second begins another. */
function join(last: Message, next: Message): Message | null {
  if (last.role !== "assistant" || next.role !== "assistant") return null;
  const continues = next.content === "" || (last.content === "" && !last.toolCalls);
  if (!continues || (next.reasoning !== undefined && (last.content !== "" || last.toolCalls))) return null;
  const reasoning = [last.reasoning, next.reasoning].filter((text) => text !== undefined).join("\n\n");
  const toolCalls = [...(last.toolCalls ?? []), ...(next.toolCalls ?? [])];
  return {
    role: "assistant",
    content: last.content + next.content,
    ...(reasoning === "" ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

function toMessage(value: unknown, path: string, before: readonly Message[]): Message | null {
  const type = parseAt(itemSchema, value, path).type ?? "message";
  switch (type) {
    case "message": {
      const { role, content } = parseAt(messageSchema, value, path);
      return { role, content: toText(content, `${path}.content`) };
    }
    case "reasoning": {
      const { content, summary } = parseAt(reasoningSchema, value, path);
      const reasoning = content?.length ? toText(content, `${path}.content`) : toText(summary ?? [], `${path}.summary`);
      return reasoning === "" ? null : { role: "assistant", content: "", reasoning };
    }
    case "function_call": {
      const { call_id: id, name, arguments: args } = parseAt(callSchema, value, path);
      return { role: "assistant", content: "", toolCalls: [{ id, name, arguments: args }] };
    }
    case "function_call_output":
      return toResult(value, path, before);
    case "item_reference":
      throw unsupported(path, `input items of type ${type}`);
    default:
      throw new HearthError("REQUEST_INVALID", `${path}: ${quoted(type)} is no type of an input item.`, {
        param: `${path}.type`,
      });
  }
}

function toResult(value: unknown, path: string, before: readonly Message[]): Message {
  const { call_id: id, output } = parseAt(resultSchema, value, path);
  const call = before.flatMap(({ toolCalls }) => toolCalls ?? []).findLast((each) => each.id === id);
  if (!call) {
    const message = `${path}: there is no function_call with the call_id ${quoted(id)} before its output.`;
    throw new HearthError("REQUEST_INVALID", message, { param: `${path}.call_id` });
  }
  return { role: "tool", content: toText(output, `${path}.output`), toolCallId: id, toolName: call.name };
}

function toText(content: string | readonly unknown[], path: string): string {
  if (typeof content === "string") return content;
  return content.map((part, i) => partText(part, `${path}[${i}]`)).join("");
}

function partText(value: unknown, path: string): string {
  const { type } = parseAt(partSchema, value, path);
  switch (type) {
    case "input_text":
    case "output_text":
    case "reasoning_text":
    case "summary_text":
    case "text":
      return parseAt(textSchema, value, path).text;
    case "refusal":
      return parseAt(refusalSchema, value, path).refusal;
    case "input_image":
    case "input_file":
    case "input_audio":
    case "input_video":
      throw unsupported(path, `content of type ${type}`);
    default:
      throw new HearthError("REQUEST_INVALID", `${path}: ${quoted(type)} is no type of content.`, {
        param: `${path}.type`,
      });
  }
}
