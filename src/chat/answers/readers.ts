/** Readers of calls for the families that do not write plain JSON behind their marker. */
import type { Tool } from "../messages.js";
import { type CallReader, type Emit, emitCall, isRecord, isSpace, type ParsedCall } from "./events.js";
import { JsonArgumentsReader, JsonCallsReader } from "./json-calls.js";

/** null: the body holds something else than calls. Not closed: the answer ended before the closing marker. */
export type CallsParser = (body: string, isClosed: boolean) => readonly ParsedCall[] | null;

/** Takes everything up to a closing marker and then reads it at once: what it has to be turned into JSON anyway. */
export class BufferedReader implements CallReader {
  readonly #close: string;
  readonly #parse: CallsParser;
  #body = "";

  constructor(close: string, parse: CallsParser, prefix = "") {
    this.#close = close;
    this.#parse = parse;
    this.#body = prefix;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    this.#body += unit;
    if (!this.#body.endsWith(this.#close)) return "more";
    return this.#read(this.#body.slice(0, -this.#close.length), true, emit) ? "done" : "bad";
  }

  finish(emit: Emit): boolean {
    return this.#read(this.#body, false, emit);
  }

  #read(body: string, isClosed: boolean, emit: Emit): boolean {
    const calls = this.#parse(body, isClosed);
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
    this.#reader ??=
      unit === "<"
        ? new BufferedReader("</tool_call>", (body, isClosed) => parseXmlCalls(body, isClosed, this.#tools))
        : new JsonCallsReader();
    return this.#reader.take(unit, emit);
  }

  finish(emit: Emit): boolean {
    return this.#reader?.finish(emit) ?? false;
  }
}

/** `<function=NAME><parameter=KEY>VALUE</parameter></function>`, one or several. */
export function parseXmlCalls(body: string, isClosed: boolean, tools: readonly Tool[]): ParsedCall[] | null {
  // Models forget to close a function, but half a value must never pass for a whole one.
  if (!isClosed && !/<\/function>\s*$/.test(body)) return null;
  const calls: ParsedCall[] = [];
  const rest = body.replace(
    /<function=([^>\n]+)>([\s\S]*?)(?:<\/function>|$)/g,
    (_, name: string, parameters: string) => {
      calls.push({ name: name.trim(), arguments: xmlArguments(parameters, schemasOf(name.trim(), tools)) });
      return "";
    },
  );
  return calls.length > 0 && isSpace(rest) ? calls : null;
}

type Schemas = Readonly<Record<string, unknown>>;

function schemasOf(name: string, tools: readonly Tool[]): Schemas {
  const properties = tools.find((tool) => tool.name === name)?.parameters?.properties;
  return isRecord(properties) ? properties : {};
}

function xmlArguments(text: string, schemas: Schemas): Record<string, unknown> {
  const parameter = /<parameter=([^>\n]+)>\n?([\s\S]*?)\n?(?:<\/parameter>|(?=<parameter=)|$)/g;
  return Object.fromEntries(
    [...text.matchAll(parameter)].map(([, key = "", value = ""]) => [key.trim(), xmlValue(value, schemas[key.trim()])]),
  );
}

/** The values have no types of their own: a string stays one where the tool wants strings, all else is read as JSON. */
function xmlValue(text: string, schema: unknown): unknown {
  const type = isRecord(schema) ? schema.type : undefined;
  if (type === "string") return text;
  const python: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };
  if (text.trim() in python) return python[text.trim()];
  try {
    const value: unknown = JSON.parse(text);
    // Without a schema "007" or "12" could be a string as well; then only structures are sure not to be.
    return type === undefined && typeof value === "string" ? text : value;
  } catch {
    return text;
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
