/** Printed values: Python's str() and repr(). */
import { budget } from "./budget.js";
import { Dict, DictView } from "./dict.js";
import { floatText, intText } from "./numbers.js";
import { Bytes, Float, isInt, Markup, Namespace, type Obj, Range, Tuple, Undefined, type Value } from "./values.js";

export function str(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return "";
  return repr(value);
}

export function repr(value: Value): string {
  budget().step();
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (isInt(value)) return intText(value);
  if (Array.isArray(value)) return reprList(value, "[", "]");
  return reprObject(value);
}

function reprObject(value: Obj): string {
  const own = value.display();
  if (own !== null) return own;
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Tuple) return reprList(value.items, "(", value.items.length === 1 ? ",)" : ")");
  if (value instanceof Dict) return reprDict(value.entries());
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Bytes) return quotedBytes(value.data);
  if (value instanceof Range) {
    return `range(${value.start}, ${value.stop}${value.step === 1 ? "" : `, ${value.step}`})`;
  }
  if (value instanceof DictView) return `${value.typeName}(${reprList([...value], "[", "]")})`;
  if (value instanceof Namespace) return `<Namespace ${reprDict(value.attributes)}>`;
  if (value instanceof Undefined) return "Undefined";
  return `<${value.typeName} object>`;
}

function reprList(items: readonly Value[], open: string, close: string): string {
  let text = open;
  for (const [i, item] of items.entries()) {
    text += (i === 0 ? "" : ", ") + repr(item);
    budget().joinedText(text.length);
  }
  return text + close;
}

function reprDict(entries: Iterable<[Value, Value]>): string {
  let text = "{";
  for (const [key, value] of entries) {
    text += `${text === "{" ? "" : ", "}${repr(key)}: ${repr(value)}`;
    budget().joinedText(text.length);
  }
  return `${text}}`;
}

// All that str.isprintable() denies, and what a quoted text escapes beside quotes.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u;
export const isPrintable = (char: string): boolean => char === " " || !unprintable.test(char);

const plain = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/; // ASCII without the quote and the backslash

export function quoted(text: string): string {
  budget().text(text.length);
  if (plain.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = quote;
  for (const char of text) {
    if (char === quote || char === "\\") result += `\\${char}`;
    else if (isPrintable(char)) result += char;
    else result += escaped(char);
  }
  return result + quote;
}

const short = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

export function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = (width: number) => code.toString(16).padStart(width, "0");
  return short.get(char) ?? (code < 0x100 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`);
}

/** ascii(): a repr with all that is not ASCII escaped. */
export const ascii = (value: Value): string => repr(value).replace(/[^\0-\x7f]/gu, escaped);

function quotedBytes(data: Uint8Array): string {
  const chars = Array.from(data, (byte) => String.fromCharCode(byte));
  const quote = chars.includes("'") && !chars.includes('"') ? '"' : "'";
  const body = chars.map((char) =>
    char === quote || char === "\\" ? `\\${char}` : char >= " " && char <= "~" ? char : escaped(char),
  );
  return `b${quote}${body.join("")}${quote}`;
}
