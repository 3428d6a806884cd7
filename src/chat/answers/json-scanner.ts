/**
 * Checks one JSON array or object unit by unit (RFC 8259) and gives it back as JSON. Forgives what models do and what has one
 * meaning all the same: raw control characters in strings, \' and Python's True, False and None.
 */

const maxDepth = 64;
const pythonScalars: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null" };

type Expected = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "commaOrEnd" | "nothing";

export class JsonScanner {
  readonly #open: ("{" | "[")[] = [];
  #expected: Expected = "value";
  #string: "no" | "value" | "key" = "no";
  #escape = ""; // from the backslash on
  #scalar = ""; // a number or literal, until what follows shows its end

  /** Open brackets. */
  get depth(): number {
    return this.#open.length;
  }

  get done(): boolean {
    return this.#expected === "nothing";
  }

  get inString(): boolean {
    return this.#string !== "no";
  }

  /** The next unit belongs to a key, or to what stands before one. */
  get atKey(): boolean {
    return this.#string === "key" || this.#expected === "key" || this.#expected === "keyOrEnd";
  }

  /** A value has just ended. */
  get atValueEnd(): boolean {
    return this.#expected === "commaOrEnd" && this.#string === "no" && this.#scalar === "";
  }

  /** The text that the unit adds to the JSON, which may be nothing yet; null when the unit cannot stand here. */
  push(unit: string): string | null {
    if (this.#string !== "no") return this.#inString(unit);
    if (this.#scalar !== "" && /[\w.+-]/.test(unit)) {
      this.#scalar += unit;
      return this.#scalar.length > 400 ? null : "";
    }
    const scalar = this.#endScalar();
    const rest = scalar === null ? null : this.#structure(unit);
    return rest === null ? null : scalar + rest;
  }

  #inString(unit: string): string | null {
    if (this.#escape !== "") return this.#inEscape(unit);
    if (unit === "\\") {
      this.#escape = unit;
      return "";
    }
    if (unit === '"') {
      this.#expected = this.#string === "key" ? "colon" : this.#afterValue();
      this.#string = "no";
      return unit;
    }
    return unit < " " ? JSON.stringify(unit).slice(1, -1) : unit;
  }

  #inEscape(unit: string): string | null {
    const all = this.#escape + unit;
    this.#escape = "";
    if (all === "\\'") return "'";
    if (/^\\["\\/bfnrt]$|^\\u[\da-fA-F]{4}$/.test(all)) return all;
    if (!/^\\u[\da-fA-F]{0,3}$/.test(all)) return null;
    this.#escape = all;
    return "";
  }

  /** The scalar as JSON, or nothing where there is none; null where it is none of JSON's. */
  #endScalar(): string | null {
    if (this.#scalar === "") return "";
    const scalar = pythonScalars[this.#scalar] ?? this.#scalar;
    this.#scalar = "";
    this.#expected = this.#afterValue();
    return /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/.test(scalar) ? scalar : null;
  }

  #structure(unit: string): string | null {
    if (/[ \t\r\n]/.test(unit)) return unit;
    const expected = this.#expected;
    if (unit === '"' && (this.atKey || this.#expectsValue())) {
      this.#string = this.atKey ? "key" : "value";
      return unit;
    }
    if ((unit === "{" || unit === "[") && this.#expectsValue()) {
      this.#open.push(unit);
      this.#expected = unit === "{" ? "keyOrEnd" : "valueOrEnd";
      return this.depth > maxDepth ? null : unit;
    }
    if ((unit === "}" || unit === "]") && ["commaOrEnd", unit === "}" ? "keyOrEnd" : "valueOrEnd"].includes(expected)) {
      if (this.#open.pop() !== (unit === "}" ? "{" : "[")) return null;
      this.#expected = this.#afterValue();
      return unit;
    }
    if (unit === "," && expected === "commaOrEnd") {
      this.#expected = this.#open.at(-1) === "{" ? "key" : "value";
      return unit;
    }
    if (unit === ":" && expected === "colon") {
      this.#expected = "value";
      return unit;
    }
    if (!/[\w-]/.test(unit) || !this.#expectsValue() || this.depth === 0) return null;
    this.#scalar = unit;
    return "";
  }

  #expectsValue(): boolean {
    return this.#expected === "value" || this.#expected === "valueOrEnd";
  }

  #afterValue(): Expected {
    return this.depth === 0 ? "nothing" : "commaOrEnd";
  }
}
