/** The tools of a request and which of them the model may or has to call, in the service's words. Pure. */

import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import type { Tool, ToolChoice } from "../../service/types.js";
import type { CreateRequest, FunctionTool } from "./schema.js";

export interface ToolUse {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
}

/** Throws REQUEST_INVALID for a choice that names no tool, or a name that two tools have. */
export function toToolUse({ tools: given, tool_choice: choice }: CreateRequest): ToolUse {
  const tools = (given ?? []).map(toTool);
  const names = new Set(tools.map(({ name }) => name));
  if (names.size < tools.length) throw invalid("tools", "Two tools have the same name.");
  const known = (name: string): string => {
    if (names.has(name)) return name;
    throw invalid("tool_choice", `tool_choice names ${quoted(name)}, which is none of the tools.`);
  };
  if (choice === null || choice === undefined) return { tools, toolChoice: "auto" };
  if (choice === "required" && tools.length === 0) throw invalid("tool_choice", "There are no tools to choose from.");
  if (typeof choice === "string") return { tools, toolChoice: choice };
  if (choice.type === "function") return { tools, toolChoice: { name: known(choice.name) } };
  const allowed = new Set(choice.tools.map(({ name }) => known(name)));
  return { tools: tools.filter(({ name }) => allowed.has(name)), toolChoice: choice.mode };
}

function toTool({ name, description, parameters }: FunctionTool): Tool {
  return { name, ...(description ? { description } : {}), ...(parameters ? { parameters } : {}) };
}

function invalid(param: string, message: string): HearthError {
  return new HearthError("REQUEST_INVALID", message, { param });
}
