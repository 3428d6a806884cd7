/** Values as families write them into calls. */

/** JSON with a space after commas and colons, as templates write it and models learned it. */
export function spacedText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spacedText(item)}`)
    .join(", ")}}`;
}

/** Python's literals, with the double quotes of JSON: LFM2's. */
export function pythonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${pythonText(item)}`)
      .join(", ")}}`;
  }
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "None" : spacedText(value);
}

/** The name of an argument before its `=`. */
export function pythonKey(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

/** Ends a call of Gemma. */
export const gemmaClose = "<tool_call|>";
export const gemmaQuote = '<|"|>';

/** Without quotes around keys, and with quotes of its own around strings: Gemma 4's. */
export function gemmaText(value: unknown): string {
  if (typeof value === "string") return `${gemmaQuote}${value}${gemmaQuote}`;
  if (Array.isArray(value)) return `[${value.map(gemmaText).join(",")}]`;
  if (typeof value !== "object" || value === null) return spacedText(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${gemmaKey(key)}:${gemmaText(item)}`)
    .join(",")}}`;
}

export function gemmaKey(name: string): string {
  return /^[^\s:{}[\],<]+$/.test(name) ? name : `${gemmaQuote}${name}${gemmaQuote}`;
}

export const xmlTags = {
  callsClose: "</tool_call>",
  functionOpen: "<function=",
  functionClose: "</function>",
  parameterOpen: "<parameter=",
  parameterClose: "</parameter>",
} as const;

/** Marks that end a value between tags, since models forget its own. No bare text may hold one of them. */
export const xmlValueEnds = [
  xmlTags.parameterClose,
  xmlTags.parameterOpen,
  xmlTags.functionClose,
  xmlTags.callsClose,
] as const;
