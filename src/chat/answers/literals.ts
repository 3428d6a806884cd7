/**
 * Values as families without JSON write them: LFM2's Python calls, Gemma's braces. Recursive descent over a whole text;
 * anything unexpected makes the result null.
 */
import type { ParsedCall } from "./events.js";
import { gemmaQuote } from "./written-values.js";

const maxDepth = 64;

/** `[f(a="b", n=1), g()]`, the brackets optional, one or several: Python calls with keyword arguments of literals. */
export function parsePythonCalls(text: string): ParsedCall[] | null {
  return parseWith(text, (reader) => {
    const calls: ParsedCall[] = [];
    do {
      const isList = reader.skip("[");
      do {
        if (isList && reader.peek("]")) break;
        calls.push(pythonCall(reader));
      } while (reader.skip(","));
      if (isList) reader.expect("]");
    } while (!reader.isAtEnd);
    return calls.length > 0 ? calls : null;
  });
}

function pythonCall(reader: Reader): ParsedCall {
  const name = reader.match(/[\w.-]+/y);
  reader.expect("(");
  const args: [string, unknown][] = [];
  while (!reader.peek(")")) {
    const key = reader.tryMatch(/[A-Za-z_]\w*/y) ?? pythonString(reader);
    reader.expect("=");
    args.push([key, literal(reader, pythonString, 0)]);
    if (!reader.skip(",")) break;
  }
  reader.expect(")");
  return { name, arguments: Object.fromEntries(args) };
}

/** `call:name{key:value}`, strings between `<|"|>`: Gemma's. */
export function parseGemmaCalls(text: string): ParsedCall[] | null {
  return parseWith(text, (reader) => {
    const calls: ParsedCall[] = [];
    do {
      reader.expect("call:");
      const name = reader.match(/[^\s{]+/y);
      calls.push({ name, arguments: gemmaObject(reader, 0) });
    } while (reader.skip(",") || reader.peek("call:"));
    return calls;
  });
}

function gemmaObject(reader: Reader, depth: number): Record<string, unknown> {
  const members: [string, unknown][] = [];
  reader.expect("{");
  while (!reader.peek("}")) {
    const key = reader.peek(gemmaQuote) ? gemmaString(reader) : reader.match(/[^\s:{}[\],]+/y);
    reader.expect(":");
    members.push([key, literal(reader, gemmaString, depth + 1)]);
    if (!reader.skip(",")) break;
  }
  reader.expect("}");
  return Object.fromEntries(members);
}

function gemmaString(reader: Reader): string {
  reader.expect(gemmaQuote);
  return reader.until(gemmaQuote);
}

type StringReader = (reader: Reader) => string;

const scalars: Readonly<Record<string, unknown>> = {
  ...{ true: true, false: false, null: null },
  ...{ True: true, False: false, None: null },
};

function literal(reader: Reader, string: StringReader, depth: number): unknown {
  if (depth > maxDepth) throw new UnexpectedText();
  if (reader.peek("{")) return string === gemmaString ? gemmaObject(reader, depth) : dict(reader, string, depth);
  const close = reader.skip("[") ? "]" : reader.skip("(") ? ")" : null;
  if (close !== null) {
    const items: unknown[] = [];
    while (!reader.peek(close)) {
      items.push(literal(reader, string, depth + 1));
      if (!reader.skip(",")) break;
    }
    reader.expect(close);
    return items;
  }
  const word = reader.tryMatch(/[+-]?(?:\d[\w.+-]*|\.\d+)|[A-Za-z]+/y);
  if (word === null) return string(reader);
  if (word in scalars) return scalars[word];
  const number = Number(word.replace(/(?<=\d)_(?=\d)/g, ""));
  if (!Number.isFinite(number) || word === "Infinity") throw new UnexpectedText();
  return number;
}

function dict(reader: Reader, string: StringReader, depth: number): Record<string, unknown> {
  const members: [string, unknown][] = [];
  reader.expect("{");
  while (!reader.peek("}")) {
    const key = string(reader);
    reader.expect(":");
    members.push([key, literal(reader, string, depth + 1)]);
    if (!reader.skip(",")) break;
  }
  reader.expect("}");
  return Object.fromEntries(members);
}

const pythonEscapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", 0: "\0" };

function pythonString(reader: Reader): string {
  const quoted = reader.match(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/y);
  return quoted.slice(1, -1).replace(/\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|([\s\S]))/g, (_, long, short, one) => {
    const hex: string | undefined = long ?? short;
    return hex === undefined ? (pythonEscapes[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16));
  });
}

class UnexpectedText extends Error {}

function parseWith<T>(text: string, parse: (reader: Reader) => T): T | null {
  const reader = new Reader(text);
  try {
    const result = parse(reader);
    return reader.isAtEnd ? result : null;
  } catch (error) {
    if (error instanceof UnexpectedText) return null;
    throw error;
  }
}

/** Skips white space before everything that it looks for. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#skipSpace();
    return this.#at === this.#text.length;
  }

  peek(what: string): boolean {
    this.#skipSpace();
    return this.#text.startsWith(what, this.#at);
  }

  skip(what: string): boolean {
    const found = this.peek(what);
    if (found) this.#at += what.length;
    return found;
  }

  expect(what: string): void {
    if (!this.skip(what)) throw new UnexpectedText();
  }

  /** `pattern` is sticky. */
  tryMatch(pattern: RegExp): string | null {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  match(pattern: RegExp): string {
    const found = this.tryMatch(pattern);
    if (found === null) throw new UnexpectedText();
    return found;
  }

  /** The text before `end`, which is skipped. */
  until(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new UnexpectedText();
    const text = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return text;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}
