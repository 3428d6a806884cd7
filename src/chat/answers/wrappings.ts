/**
 * Models leave out the marks of their family, and write a call as plain JSON, in a fenced block or between tags that other
 * families have. What reads such an answer and the grammar that holds it have to agree on what may stand around it.
 */

/** Tags that other families write, and that some models write instead of their own. */
const tagNames = [
  "tool_call",
  "tool_calls",
  "tool",
  "tools",
  "function_call",
  "function_calls",
  "functioncall",
  "function",
];

/** Words behind the three backticks that open a block. A longer list would hold back the code of more answers. */
export const fenceWords = [
  "",
  "json",
  "jsonl",
  "json5",
  "xml",
  "text",
  "plaintext",
  "tool_call",
  "tool_calls",
] as const;
export const fence = "```";

export interface Tags {
  readonly opens: readonly string[];
  readonly closes: readonly string[];
}

/** Without the family's own marks. */
export function foreignTags(own: readonly string[]): Tags {
  return {
    opens: tagNames.map((name) => `<${name}>`).filter((tag) => !own.includes(tag)),
    closes: tagNames.map((name) => `</${name}>`),
  };
}

/** White space of JSON. */
export const jsonSpaces = [" ", "\t", "\n", "\r"] as const;

/** Marks that may stand between two calls. */
export const separators: readonly string[] = [",", ";"];
export const isSeparator = (unit: string): boolean => separators.includes(unit);
