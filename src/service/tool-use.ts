/** The tools of a request and which of them the model may or has to call, checked alike for every protocol. Pure. */
import { HearthError } from "../base/errors.js";
import type { Tool, ToolChoice } from "./types.js";

export interface ToolUse {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
}

/** Without one: auto. `allowed`: of the tools only the ones of these names. */
export type AskedChoice = ToolChoice | { readonly allowed: readonly string[]; readonly mode: "auto" | "required" };

/** Throws REQUEST_INVALID for a choice that names no tool, for one of no tools, and for a name that two tools have. */
export function toolUse(tools: readonly Tool[], choice: AskedChoice | null | undefined): ToolUse {
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw invalid("tools", `Two tools have the same name ${JSON.stringify(name)}.`);
    names.add(name);
  }
  const check = (name: string): void => {
    if (names.has(name)) return;
    throw invalid("tool_choice", `tool_choice names ${JSON.stringify(name)}, which is none of the tools.`);
  };
  if (choice === null || choice === undefined) return { tools, toolChoice: "auto" };
  if (typeof choice === "object" && "name" in choice) {
    check(choice.name);
    return { tools, toolChoice: choice };
  }
  const allowed = typeof choice === "object" ? new Set(choice.allowed) : names;
  for (const name of allowed) check(name);
  const mode = typeof choice === "object" ? choice.mode : choice;
  if (mode === "required" && allowed.size === 0) throw invalid("tool_choice", "There are no tools to choose from.");
  return { tools: tools.filter(({ name }) => allowed.has(name)), toolChoice: mode };
}

function invalid(param: string, message: string): HearthError {
  return new HearthError("REQUEST_INVALID", message, { param });
}
