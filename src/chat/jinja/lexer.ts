/**
 * A template's source as tokens, with the white space rules that chat templates are written for: the line break behind a block
 * goes (trim_blocks), and so does the indent before it (lstrip_blocks). Knows no grammar.
 */
import { JinjaError } from "./errors.js";
import { int } from "./numbers.js";
import { isIdentifier } from "./string-tests.js";
import { spaceClass } from "./text.js";

export type TokenType =
  | "data"
  | "variable_begin"
  | "variable_end"
  | "block_begin"
  | "block_end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "eof";

export interface Token {
  readonly type: TokenType;
  /** The token's source; a text without its quotes and escapes. */
  readonly text: string;
  readonly line: number;
  readonly number?: number | bigint;
}

const operators = [
  ...["**", "//", "==", "!=", ">=", "<="],
  ...["+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"],
];
const closing: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

const patterns = {
  space: new RegExp(`[${spaceClass}]+`, "y"),
  float: /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy,
  integer: /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy,
  name: /[\p{L}\p{N}\p{M}\p{Pc}·℘℮゛゜]+/uy,
};

const openTag = /\{(?:%|\{|#)/g;
const rawBegin = new RegExp(`\\{%([-+]?)[${spaceClass}]*raw[${spaceClass}]*(?:-%\\}[${spaceClass}]*|%\\})`, "y");
const rawEnd = new RegExp(
  `\\{%([-+]?)[${spaceClass}]*endraw[${spaceClass}]*(?:\\+%\\}|-%\\}[${spaceClass}]*|%\\}\\n?)`,
  "g",
);

export function tokenize(source: string): Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Up to where lines have been counted. */
  #counted = 0;
  #startsLine = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#root();
    this.#add("eof", "");
    return this.#tokens;
  }

  #root(): void {
    openTag.lastIndex = this.#at;
    const open = openTag.exec(this.#source);
    if (!open) {
      this.#data(this.#source.slice(this.#at));
      this.#moveTo(this.#source.length);
      return;
    }
    rawBegin.lastIndex = open.index;
    const raw = rawBegin.exec(this.#source);
    const sign = raw ? (raw[1] ?? "") : this.#signAt(open.index + 2);
    this.#data(this.#stripped(this.#source.slice(this.#at, open.index), sign, open[0] !== "{{"));
    const begin = raw ? raw[0].length : 2 + sign.length;
    this.#moveTo(open.index);
    if (raw) this.#raw(open.index + begin);
    else if (open[0] === "{#") this.#comment(open.index + begin);
    else this.#tag(open[0] === "{{" ? "variable" : "block", open.index + begin);
  }

  #signAt(at: number): string {
    const sign = this.#source.charAt(at);
    return sign === "-" || sign === "+" ? sign : "";
  }

  /** The text before a tag, without what the tag takes of it. */
  #stripped(text: string, sign: string, isBlock: boolean): string {
    if (sign === "-") return text.slice(0, endOf(text));
    if (sign === "+" || !isBlock) return text;
    const line = text.lastIndexOf("\n") + 1;
    return (line > 0 || this.#startsLine) && line < text.length && endOf(text) <= line ? text.slice(0, line) : text;
  }

  #data(text: string): void {
    if (text !== "") this.#add("data", text);
  }

  #raw(at: number): void {
    this.#moveTo(at);
    rawEnd.lastIndex = at;
    const end = rawEnd.exec(this.#source);
    if (!end && at >= this.#source.length) return; // nothing follows that could be raw
    if (!end) throw this.#error("Missing end of raw directive");
    this.#startsLine = this.#source.charAt(at - 1) === "\n";
    this.#data(this.#stripped(this.#source.slice(at, end.index), end[1] ?? "", true));
    this.#moveTo(end.index + end[0].length);
    this.#startsLine = end[0].endsWith("\n");
  }

  #comment(at: number): void {
    const end = this.#source.indexOf("#}", at);
    if (at >= this.#source.length) return void this.#moveTo(at); // nothing follows that could be a comment
    if (end < 0) throw this.#error("Missing end of comment tag");
    this.#closeTag(end + 2, this.#source.charAt(end - 1), end > at);
  }

  /** Behind a closing mark: "-" takes all white space, a block without "+" the line break. */
  #closeTag(at: number, sign: string, isSigned = true, isBlock = true): void {
    let end = at;
    if (isSigned && sign === "-") {
      patterns.space.lastIndex = end;
      end += patterns.space.exec(this.#source)?.[0].length ?? 0;
    } else if (!(isSigned && sign === "+") && isBlock && this.#source.charAt(end) === "\n") end++;
    this.#startsLine = this.#source.charAt(end - 1) === "\n";
    this.#moveTo(end);
  }

  #tag(kind: "variable" | "block", at: number): void {
    this.#add(`${kind}_begin`, "");
    this.#moveTo(at);
    const close = kind === "variable" ? "}}" : "%}";
    const open: string[] = [];
    while (this.#at < this.#source.length) {
      if (open.length === 0) {
        const sign = this.#signAt(this.#at);
        const signed = sign === "-" || (sign === "+" && kind === "block") ? sign : "";
        if (this.#source.startsWith(close, this.#at + signed.length)) {
          this.#add(`${kind}_end`, "");
          this.#closeTag(this.#at + signed.length + 2, signed, signed !== "", kind === "block");
          return;
        }
      }
      this.#token(open);
    }
  }

  #token(open: string[]): void {
    if (this.#match("space") !== undefined) return;
    const float = this.#match("float");
    if (float !== undefined) return void this.#add("float", float, Number(float.replaceAll("_", "")));
    const integer = this.#match("integer");
    if (integer !== undefined) return void this.#add("integer", integer, int(BigInt(integer.replaceAll("_", ""))));
    const name = this.#match("name");
    if (name !== undefined) {
      if (!isIdentifier(name)) throw this.#error("Invalid character in identifier");
      return void this.#add("name", name);
    }
    const quote = this.#source.charAt(this.#at);
    if (quote === "'" || quote === '"') return void this.#string(quote);
    this.#operator(open);
  }

  #match(kind: keyof typeof patterns): string | undefined {
    const pattern = patterns[kind];
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#source)?.[0];
    if (text !== undefined) this.#moveTo(this.#at + text.length);
    return text;
  }

  #string(quote: string): void {
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source.charAt(end) !== quote) {
      end += this.#source.charAt(end) === "\\" ? 2 : 1;
    }
    if (end >= this.#source.length)
      throw this.#error(`unexpected char ${quote === "'" ? `"'"` : `'"'`} at ${this.#at}`);
    const text = this.#source.slice(this.#at + 1, end);
    this.#add("string", text.includes("\\") ? this.#unescaped(text) : text);
    this.#moveTo(end + 1);
  }

  #operator(open: string[]): void {
    const operator = operators.find((each) => this.#source.startsWith(each, this.#at));
    if (operator === undefined) {
      const char = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0);
      throw this.#error(`unexpected char '${char}' at ${this.#at}`);
    }
    const expected = closing[operator];
    if (expected) open.push(expected);
    else if (["}", ")", "]"].includes(operator)) {
      const wanted = open.pop();
      if (wanted === undefined) throw this.#error(`unexpected '${operator}'`);
      if (wanted !== operator) throw this.#error(`unexpected '${operator}', expected '${wanted}'`);
    }
    this.#add("operator", operator);
    this.#moveTo(this.#at + operator.length);
  }

  #unescaped(text: string): string {
    const plain: Readonly<Record<string, string>> = {
      ...{ n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"', "\n": "" },
      ...{ a: "\x07", b: "\b", f: "\f", v: "\v" },
    };
    const pattern = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;
    return text.replace(pattern, (whole, octal, x, u, long, char) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      const hex = x ?? u ?? long;
      if (hex !== undefined) {
        const code = Number.parseInt(hex, 16);
        if (code > 0x10ffff) throw this.#error("illegal Unicode character");
        return String.fromCodePoint(code);
      }
      if (char === "x" || char === "u" || char === "U") throw this.#error(`truncated \\${char} escape`);
      if (char === "N") throw this.#error("character names are not supported");
      return plain[char] ?? whole;
    });
  }

  #add(type: TokenType, text: string, number?: number | bigint): void {
    this.#tokens.push({ type, text, line: this.#line, ...(number === undefined ? {} : { number }) });
  }

  #moveTo(at: number): void {
    for (let i = this.#source.indexOf("\n", this.#counted); i >= 0 && i < at; i = this.#source.indexOf("\n", i + 1)) {
      this.#line++;
      this.#counted = i + 1;
    }
    this.#counted = Math.max(this.#counted, at);
    this.#at = at;
  }

  #error(message: string): JinjaError {
    return new JinjaError("TemplateSyntaxError", message, this.#line);
  }
}

const anySpace = new RegExp(`[${spaceClass}]`);

/** The place at which the white space at the end of a text begins. */
function endOf(text: string): number {
  let end = text.length;
  while (end > 0 && anySpace.test(text.charAt(end - 1))) end--;
  return end;
}
