/** Readers of calls for the families that do not write plain JSON behind their marker. */
import type { Tool } from "../messages.js";
import { type CallReader, type Emit, emitCall, isSpace, type ParsedCall } from "./events.js";
import { JsonArgumentsReader, JsonCallsReader } from "./json-calls.js";
import { XmlReader } from "./xml-calls.js";

/** null: the body holds something else than calls. */
export type CallsParser = (body: string) => readonly ParsedCall[] | null;

/** Takes everything up to a closing marker and then reads it at once: what it has to be turned into JSON anyway. */
export class BufferedReader implements CallReader {
  readonly #close: string;
  readonly #parse: CallsParser;
  #body = "";

  constructor(close: string, parse: CallsParser) {
    this.#close = close;
    this.#parse = parse;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    this.#body += unit;
    // The unit first: to look for the end in it a string is copied.
    if (!this.#close.endsWith(unit) || !this.#body.endsWith(this.#close)) return "more";
    return this.#read(this.#body.slice(0, -this.#close.length), emit) ? "done" : "bad";
  }

  finish(emit: Emit): boolean {
    return this.#read(this.#body, emit);
  }

  #read(body: string, emit: Emit): boolean {
    const calls = this.#parse(body);
    for (const call of calls ?? []) emitCall(call, emit);
    return calls !== null;
  }
}

/** Behind `<tool_call>`: JSON (Hermes, Qwen 2.5 and 3) or `<function=...>` (Qwen3-Coder, Qwen3.5). */
export class TaggedReader implements CallReader {
  readonly #tools: readonly Tool[];
  #reader: CallReader | null = null;

  constructor(tools: readonly Tool[]) {
    this.#tools = tools;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (!this.#reader && isSpace(unit)) return "more";
    this.#reader ??= unit === "<" ? new XmlReader(this.#tools) : new JsonCallsReader();
    return this.#reader.take(unit, emit);
  }

  finish(emit: Emit): boolean {
    return this.#reader?.finish(emit) ?? false;
  }
}

/** Behind `[TOOL_CALLS]`: a list (Mistral up to 2024), or a name, perhaps an id, and arguments. */
export class MistralReader implements CallReader {
  #head = "";
  #reader: CallReader | null = null;

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#reader) return this.#reader.take(unit, emit);
    if (this.#head === "" && isSpace(unit)) return "more";
    const startsList = unit === "[" && this.#head === "";
    if (startsList || unit === "{") {
      const name = this.#head.replace(/(\[CALL_ID\].*)?(\[ARGS\])?\s*$/s, "");
      if (!startsList && !isName(name)) return this.#head === "" ? this.#list(unit, emit) : "bad";
      this.#reader = startsList ? new JsonCallsReader() : new JsonArgumentsReader(name);
      return this.#reader.take(unit, emit);
    }
    this.#head += unit;
    return this.#head.length > maxHead ? "bad" : "more";
  }

  finish(emit: Emit): boolean {
    return this.#reader?.finish(emit) ?? false;
  }

  #list(unit: string, emit: Emit): "more" | "done" | "bad" {
    this.#reader = new JsonCallsReader();
    return this.#reader.take(unit, emit);
  }
}

/** Behind `<｜tool▁call▁begin｜>`: a type, the name and fenced JSON (R1), or the name and JSON (V3.1). */
export class DeepseekReader implements CallReader {
  #head = "";
  #reader: CallReader | null = null;

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#reader) return this.#reader.take(unit, emit);
    if (unit !== "{") {
      this.#head += unit;
      return this.#head.length > maxHead ? "bad" : "more";
    }
    const [first = "", second = ""] = this.#head.split(deepseekSeparator);
    const fenced = second.replace(/```(json)?\s*$/, "").trim();
    const name = fenced === "" ? first.trim() : fenced;
    if (!this.#head.includes(deepseekSeparator) || !isName(name)) return "bad";
    this.#reader = new JsonArgumentsReader(name);
    return this.#reader.take(unit, emit);
  }

  finish(emit: Emit): boolean {
    return this.#reader?.finish(emit) ?? false;
  }
}

export const deepseekSeparator = "<｜tool▁sep｜>";

/** No tool's name is longer; a model that has lost its way could go on for ever. */
const maxHead = 256;

const isName = (text: string): boolean => /^[\w.:/-]+$/.test(text);
