/** The tools of a request and which of them the model may or has to call, in the service's words. Pure. */
import { type AskedChoice, type ToolUse, toolUse } from "../../service/tool-use.js";
import type { Tool } from "../../service/types.js";
import type { CreateRequest, FunctionTool } from "./schema.js";

/** Throws REQUEST_INVALID; see toolUse. */
export function toToolUse({ tools, tool_choice: choice }: CreateRequest): ToolUse {
  return toolUse((tools ?? []).map(toTool), toChoice(choice));
}

function toChoice(choice: CreateRequest["tool_choice"]): AskedChoice | null | undefined {
  if (typeof choice !== "object" || choice === null) return choice;
  if (choice.type === "function") return { name: choice.name };
  return { allowed: choice.tools.map(({ name }) => name), mode: choice.mode };
}

function toTool({ name, description, parameters }: FunctionTool): Tool {
  return { name, ...(description ? { description } : {}), ...(parameters ? { parameters } : {}) };
}
