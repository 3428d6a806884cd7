/** Python's str as code points, over JavaScript's strings of UTF-16 units. Knows no values but text. */

const surrogates = /[\ud800-\udfff]/;

/** Every unit is a code point. */
export const isFlat = (text: string): boolean => !surrogates.test(text);

export function codePoints(text: string): string[] {
  return isFlat(text) ? text.split("") : Array.from(text);
}

export function textLength(text: string): number {
  if (isFlat(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** Code points from `start` to `stop`, which lie within the text. */
export function textSlice(text: string, start: number, stop: number): string {
  return isFlat(text) ? text.slice(start, stop) : Array.from(text).slice(start, stop).join("");
}

/** The place in code points that a place in units has. */
export const pointsBefore = (text: string, unit: number): number => textLength(text.slice(0, unit));

/** The characters that str.isspace() and the regular expressions' \s take as white space. */
export const spaceClass = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const space = new RegExp(`[${spaceClass}]`);

export const isSpace = (char: string): boolean => char !== "" && space.test(char);

export function stripStart(text: string, chars: string | null): string {
  const isIn = member(chars);
  let start = 0;
  while (start < text.length) {
    const char = pointAt(text, start);
    if (!isIn(char)) break;
    start += char.length;
  }
  return text.slice(start);
}

export function stripEnd(text: string, chars: string | null): string {
  const isIn = member(chars);
  let end = text.length;
  while (end > 0) {
    const char = pointBefore(text, end);
    if (!isIn(char)) break;
    end -= char.length;
  }
  return text.slice(0, end);
}

function member(chars: string | null): (char: string) => boolean {
  if (chars === null) return isSpace;
  const set = new Set(chars);
  return (char) => set.has(char);
}

export const pointAt = (text: string, unit: number): string => String.fromCodePoint(text.codePointAt(unit) ?? 0);

function pointBefore(text: string, end: number): string {
  const last = text.charCodeAt(end - 1);
  const isPair = last >= 0xdc00 && last <= 0xdfff && end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff;
  return text.slice(isPair ? end - 2 : end - 1, end);
}

const breakClass = "\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029";
const lineBreak = new RegExp(`\\r\\n|[${breakClass}]`, "g");

export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = [];
  let from = 0;
  for (const match of text.matchAll(lineBreak)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(from, keepEnds ? end : match.index));
    from = end;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

const isCasedPattern = /^[\p{Lowercase}\p{Uppercase}\p{Lt}]$/u;
export const isCased = (char: string): boolean => isCasedPattern.test(char);

// Letters whose form at a word's start is not their upper case.
const digraphs = new Map(["ǅ", "ǈ", "ǋ", "ǲ"].map((title) => [title.toUpperCase(), title]));

/** A character as it begins a word: "ß" gives "Ss". */
export function titleChar(char: string): string {
  const upper = char.toUpperCase();
  const digraph = digraphs.get(upper);
  if (digraph) return digraph;
  const [first = "", ...rest] = upper;
  return first + rest.join("").toLowerCase();
}

export function capitalized(text: string): string {
  if (text === "") return "";
  const first = pointAt(text, 0);
  return titleChar(first) + text.slice(first.length).toLowerCase();
}

export function swapCase(text: string): string {
  return text.replace(/[\p{Lowercase}\p{Uppercase}]/gu, (char) =>
    /\p{Uppercase}/u.test(char) ? char.toLowerCase() : char.toUpperCase(),
  );
}

/** str.title(): every run of letters begins with a title letter. */
export function titleCase(text: string): string {
  let result = "";
  let afterCased = false;
  for (const char of text) {
    result += afterCased ? char.toLowerCase() : titleChar(char);
    afterCased = isCased(char);
  }
  return result;
}
