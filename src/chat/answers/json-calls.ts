/**
 * Calls as JSON: an object with a name and arguments, or a list of such objects. The arguments go out as they come, once the
 * name is known.
 */
import { beginCall, type CallReader, type Emit, emitCall, isRecord, isSpace, type ParsedCall } from "./events.js";
import { JsonScanner } from "./json-scanner.js";

/** How families name the members of a call. */
const argumentKeys = ["arguments", "parameters"];
const otherKeys = ["name", "type", "function", "id", "call_id", "tool_name"];

export interface JsonCallOptions {
  /** Only objects that begin like a call and name one of these tools are calls: without a marker any JSON could come. */
  readonly onlyTools?: ReadonlySet<string>;
}

/** One object, or a list of objects in brackets. */
export class JsonCallsReader implements CallReader {
  readonly #options: JsonCallOptions;
  #isList = false;
  #object: JsonCallReader | null = null;
  #separated = true;

  constructor(options: JsonCallOptions = {}) {
    this.#options = options;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#object) {
      const taken = this.#object.take(unit, emit);
      if (taken !== "done") return taken;
      this.#object = null;
      this.#separated = false;
      return this.#isList ? "more" : "done";
    }
    if (isSpace(unit)) return "more";
    if (unit === "{" && this.#separated) {
      this.#object = new JsonCallReader(this.#options);
      return this.#object.take(unit, emit);
    }
    if (unit === "[" && !this.#isList) {
      this.#isList = true;
      return "more";
    }
    if (unit === "]" && this.#isList) return "done";
    if (unit !== "," || this.#separated) return "bad";
    this.#separated = true;
    return "more";
  }

  finish(emit: Emit): boolean {
    return this.#object ? this.#object.finish(emit) : this.#isList && !this.#separated;
  }
}

/** One object. The brace that ends its arguments goes out with the call's own end: what is cut before never looks whole. */
export class JsonCallReader implements CallReader {
  readonly #options: JsonCallOptions;
  readonly #scanner = new JsonScanner();
  #json = "";
  #key = "";
  #value = ""; // of the key, so far
  #name: string | null = null;
  #started = false;
  #inArguments = false;

  constructor(options: JsonCallOptions) {
    this.#options = options;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    const topLevel = this.#scanner.depth <= 1;
    const wasKey = topLevel && this.#scanner.atKey;
    const wasString = this.#scanner.inString;
    const json = this.#scanner.push(unit);
    if (json === null) return this.#fail(emit);
    this.#json += json;
    if (this.#inArguments) return this.#stream(json, emit);
    if (wasKey && wasString) return this.#readKey(json);
    return this.#readValue(unit, json, emit);
  }

  finish(emit: Emit): boolean {
    if (this.#started) emit({ type: "callEnd", complete: false });
    return this.#started;
  }

  #readKey(json: string): "more" | "bad" {
    const isOver = !this.#scanner.inString;
    if (isOver) this.#value = "";
    else this.#key += json;
    if (!this.#options.onlyTools) return "more";
    const keys = [...argumentKeys, ...otherKeys];
    return (isOver ? keys.includes(this.#key) : keys.some((key) => key.startsWith(this.#key))) ? "more" : "bad";
  }

  #readValue(unit: string, json: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#scanner.done) return this.#end(emit);
    const { depth } = this.#scanner;
    if (unit === "{" && depth === 2 && argumentKeys.includes(this.#key) && this.#name !== null && !this.#started) {
      this.#started = true;
      this.#inArguments = true;
      emit(beginCall(this.#name));
      return this.#stream(json, emit);
    }
    this.#value += json;
    if (depth !== 1) return "more";
    if (this.#scanner.atKey) this.#key = "";
    return this.#scanner.atValueEnd && this.#key === "name" ? this.#readName() : "more";
  }

  #readName(): "more" | "bad" {
    const name: unknown = parsed(this.#value.replace(/^\s*:/, ""));
    if (typeof name !== "string" || name === "") return "bad";
    this.#name = name;
    return this.#options.onlyTools?.has(name) === false ? "bad" : "more";
  }

  #stream(json: string, emit: Emit): "more" {
    this.#inArguments = this.#scanner.depth > 1;
    const text = this.#inArguments ? json : json.slice(0, -1);
    if (text !== "") emit({ type: "arguments", text });
    return "more";
  }

  /** The object is complete: it was streamed, or its members came in another order or form. */
  #end(emit: Emit): "done" | "bad" {
    if (this.#started) {
      emit({ type: "arguments", text: "}" });
      emit({ type: "callEnd", complete: true });
      return "done";
    }
    const call = toCall(parsed(this.#json));
    if (!call || this.#options.onlyTools?.has(call.name) === false) return "bad";
    emitCall(call, emit);
    return "done";
  }

  #fail(emit: Emit): "bad" {
    if (this.#started) emit({ type: "callEnd", complete: false });
    return "bad";
  }
}

/** The arguments alone, for families that write the name before them. */
export class JsonArgumentsReader implements CallReader {
  readonly #name: string;
  readonly #scanner = new JsonScanner();
  #started = false;

  constructor(name: string) {
    this.#name = name;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (!this.#started) {
      if (isSpace(unit)) return "more";
      if (unit !== "{") return "bad";
      this.#started = true;
      emit(beginCall(this.#name));
    }
    const json = this.#scanner.push(unit);
    if (json === null) {
      emit({ type: "callEnd", complete: false });
      return "bad";
    }
    if (json !== "") emit({ type: "arguments", text: json });
    if (!this.#scanner.done) return "more";
    emit({ type: "callEnd", complete: true });
    return "done";
  }

  finish(emit: Emit): boolean {
    if (this.#started) emit({ type: "callEnd", complete: false });
    return this.#started;
  }
}

/** Calls from a whole JSON text: an object, or a list of them; null where something else stands. */
export function callsFromJson(text: string): ParsedCall[] | null {
  const value = parsed(text);
  const calls = (Array.isArray(value) ? value : [value]).map(toCall);
  return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
}

function toCall(value: unknown): ParsedCall | null {
  if (!isRecord(value)) return null;
  const inner = isRecord(value.function) ? value.function : value;
  const name = inner.name ?? inner.function ?? inner.tool_name;
  const given = inner.arguments ?? inner.parameters ?? {};
  const args = typeof given === "string" ? (given.trim() === "" ? {} : parsed(given)) : given;
  return typeof name === "string" && name !== "" && isRecord(args) ? { name, arguments: args } : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
