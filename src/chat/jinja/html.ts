/** HTML as markupsafe treats it: special characters escaped, once, and tags taken out. */
import { budget } from "./budget.js";
import { str } from "./display.js";
import { isSpace } from "./text.js";
import { Markup, type Value } from "./values.js";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** A Markup stays as it is. */
export function escapeHtml(value: Value): string {
  if (value instanceof Markup) return value.text;
  const text = str(value);
  budget().text(text.length);
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char);
}

const known: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{1,8}));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return known[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}

/** Without comments and tags, each run of white space as one space. */
export function stripTags(text: string): string {
  const words: string[] = [];
  let word = "";
  for (const char of withoutTags(text)) {
    if (!isSpace(char)) word += char;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  if (word !== "") words.push(word);
  return unescapeHtml(words.join(" "));
}

function withoutTags(text: string): string {
  budget().text(text.length);
  let result = "";
  let from = 0;
  for (let start = text.indexOf("<"); start >= 0; start = text.indexOf("<", from)) {
    const isComment = text.startsWith("<!--", start);
    const end = isComment ? text.indexOf("-->", start + 4) : text.indexOf(">", start);
    if (end < 0) break;
    result += text.slice(from, start);
    from = end + (isComment ? 3 : 1);
  }
  return result + text.slice(from);
}
