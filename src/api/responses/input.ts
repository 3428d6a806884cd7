/** Input items of a request as messages. Pure. */
import { z } from "zod";
import { HearthError } from "../../base/errors.js";
import type { Message } from "../../service/types.js";
import { parseAt, unsupported } from "./schema.js";

const itemSchema = z.looseObject({ type: z.string().max(64).nullish() });
const messageSchema = z.object({
  role: z.enum(["user", "assistant", "system", "developer"]),
  content: z.union([z.string(), z.array(z.unknown()).max(1024)]),
});
const partSchema = z.looseObject({ type: z.string().max(64) });
const textSchema = z.object({ text: z.string() });
const refusalSchema = z.object({ refusal: z.string() });

/** A string is the user's words. Throws REQUEST_INVALID or REQUEST_UNSUPPORTED with the place in the input. */
export function toMessages(input: string | readonly unknown[] | null | undefined): Message[] {
  if (input === null || input === undefined) return [];
  if (typeof input === "string") return [{ role: "user", content: input }];
  return input.flatMap((item, i) => toMessage(item, `input[${i}]`));
}

function toMessage(value: unknown, path: string): Message[] {
  const type = parseAt(itemSchema, value, path).type ?? "message";
  switch (type) {
    case "message": {
      const { role, content } = parseAt(messageSchema, value, path);
      return [{ role, content: toText(content, `${path}.content`) }];
    }
    case "reasoning": // Clients send back what a model thought; templates leave it out of later turns.
      return [];
    case "function_call":
    case "function_call_output":
      throw unsupported(path, "tools");
    case "item_reference":
    case "compaction":
      throw unsupported(path, `input items of type ${type}`);
    default:
      throw new HearthError("REQUEST_INVALID", `${path}: ${JSON.stringify(type)} is no type of an input item.`, {
        param: `${path}.type`,
      });
  }
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
      throw new HearthError("REQUEST_INVALID", `${path}: ${JSON.stringify(type)} is no type of content.`, {
        param: `${path}.type`,
      });
  }
}
