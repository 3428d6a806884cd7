/**
 * JSON with what JSON.parse() loses: 1.0 is a `Number` object and not 1, integers of any size are exact (bigint beyond 2^53),
 * and keys keep their order, also those that look like numbers, in a Map. All of it survives a message between threads.
 */

/** A whole number that was written as a float. */
type WholeFloat = InstanceType<typeof Number>;

export type JsonValue = null | boolean | number | bigint | string | WholeFloat | JsonValue[] | Map<string, JsonValue>;

/** SyntaxError for what is no JSON; RangeError for what is nested too deeply. */
export function readJson(text: string): JsonValue {
  JSON.parse(text); // finds and describes what is wrong
  return new Reader(text).value();
}

const space = /[ \t\n\r]*/y;
const number = /-?\d+(\.\d+)?([eE][-+]?\d+)?/y;

/** Reads JSON that is known to be right. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  /** The next character that is no white space, which stays. */
  #peek(): string {
    this.#take(space);
    return this.#text.charAt(this.#at);
  }

  #takeIf(char: string): boolean {
    const found = this.#peek() === char;
    if (found) this.#at++;
    return found;
  }

  value(): JsonValue {
    const char = this.#peek();
    if (char === "{") return this.#object();
    if (char === "[") return this.#array();
    if (char === '"') return this.#string();
    if (char === "t") return this.#word("true", true);
    if (char === "f") return this.#word("false", false);
    if (char === "n") return this.#word("null", null);
    return this.#number();
  }

  #word<T>(word: string, value: T): T {
    this.#at += word.length;
    return value;
  }

  #string(): string {
    const start = this.#at + 1;
    const end = this.#text.indexOf('"', start);
    // Most strings have no escapes; the expression is for those that have.
    const backslash = this.#text.indexOf("\\", start);
    if (backslash < 0 || backslash > end) {
      this.#at = end + 1;
      return this.#text.slice(start, end);
    }
    const literal = this.#literal(this.#at);
    this.#at += literal.length;
    return JSON.parse(literal);
  }

  /** By hand: the expression would need a stack as deep as the string is long. */
  #literal(start: number): string {
    let end = start + 1;
    while (this.#text.charAt(end) !== '"') end += this.#text.charAt(end) === "\\" ? 2 : 1;
    return this.#text.slice(start, end + 1);
  }

  #number(): JsonValue {
    const text = this.#take(number);
    const value = Number(text);
    if (/[.eE]/.test(text)) return Number.isInteger(value) ? new Number(value) : value;
    return Number.isSafeInteger(value) ? (Object.is(value, -0) ? 0 : value) : BigInt(text);
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at++;
    if (this.#takeIf("]")) return items;
    do items.push(this.value());
    while (this.#takeIf(","));
    this.#takeIf("]");
    return items;
  }

  #object(): Map<string, JsonValue> {
    const entries = new Map<string, JsonValue>();
    this.#at++;
    if (this.#takeIf("}")) return entries;
    do {
      this.#peek();
      const key = this.#string();
      this.#takeIf(":");
      entries.set(key, this.value());
    } while (this.#takeIf(","));
    this.#takeIf("}");
    return entries;
  }
}
