/**
 * `<function=NAME><parameter=KEY>VALUE</parameter></function>`, one or several: Qwen3-Coder's and Qwen3.5's. A value is bare
 * text where the tool wants a string, and JSON elsewhere; tags within the strings of that JSON are no tags.
 */
import { ParameterKinds } from "../grammar/parameter-kinds.js";
import type { Tool } from "../messages.js";
import { type CallReader, type Emit, emitCall, isSpace } from "./events.js";
import { JsonScanner } from "./json-scanner.js";
import { xmlTags, xmlValueEnds } from "./written-values.js";

const { callsClose, functionClose, functionOpen, parameterClose, parameterOpen } = xmlTags;

/** No name is longer; a model that has lost its way could go on for ever. */
const maxName = 256;

type Place = "between" | "function" | "name" | "key" | "value";

export class XmlReader implements CallReader {
  readonly #tools: readonly Tool[];
  /** One function without tags around it. */
  readonly #isAlone: boolean;
  #place: Place = "between";
  /** The tag, name, key or value so far. */
  #text = "";
  #name = "";
  #key = "";
  #kinds: ParameterKinds | null = null;
  #arguments: [key: string, value: unknown][] = [];
  /** The scanner of a value that is JSON, as long as it is. */
  #scanner: JsonScanner | null = null;
  #calls = 0;

  /** `open`: the tag that has been read already. */
  constructor(tools: readonly Tool[], open: "" | typeof functionOpen = "") {
    this.#tools = tools;
    this.#isAlone = open === functionOpen;
    if (this.#isAlone) this.#place = "name";
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    switch (this.#place) {
      case "between":
      case "function":
        return this.#takeTag(unit, emit);
      case "name":
      case "key":
        return this.#takeName(unit);
      case "value":
        return this.#takeValue(unit, emit);
    }
  }

  /** Half a value must never pass for a whole one, but after a whole call nothing is missing. */
  finish(): boolean {
    return this.#place === "between" && this.#calls > 0 && callsClose.startsWith(this.#text);
  }

  #takeTag(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#text === "" && isSpace(unit)) return "more";
    this.#text += unit;
    const tags = this.#place === "between" ? [functionOpen, callsClose] : [parameterOpen, functionClose, callsClose];
    const tag = tags.find((each) => each === this.#text);
    if (tag !== undefined) return this.#enter(tag, emit);
    return tags.some((each) => each.startsWith(this.#text)) ? "more" : "bad";
  }

  #takeName(unit: string): "more" | "bad" {
    if (unit !== ">") {
      this.#text += unit;
      return unit === "\n" || this.#text.length > maxName ? "bad" : "more";
    }
    if (this.#place === "name") {
      this.#name = this.#text.trim();
      this.#kinds = new ParameterKinds(this.#tools.find(({ name }) => name === this.#name)?.parameters);
      this.#arguments = [];
      this.#place = "function";
    } else {
      this.#key = this.#text;
      this.#scanner = this.#kinds?.isText(this.#key) ? null : new JsonScanner();
      this.#place = "value";
    }
    this.#text = "";
    return this.#name === "" ? "bad" : "more";
  }

  #takeValue(unit: string, emit: Emit): "more" | "done" | "bad" {
    this.#text += unit;
    if (this.#scanner?.push(unit) === null) this.#scanner = null;
    if (this.#scanner?.inString || !/[>=]/.test(unit)) return "more";
    const end = xmlValueEnds.find((tag) => this.#text.endsWith(tag));
    if (end === undefined) return "more";
    const written = this.#text.slice(0, -end.length).replace(/^\n/, "").replace(/\n$/, "");
    this.#arguments.push([this.#key, this.#kinds?.isText(this.#key) ? written : jsonValue(written)]);
    return this.#enter(end, emit);
  }

  #enter(tag: string, emit: Emit): "more" | "done" | "bad" {
    const wasBetween = this.#place === "between";
    this.#text = "";
    if (tag === functionOpen) this.#place = "name";
    else if (tag === parameterOpen) this.#place = "key";
    else if (tag === parameterClose) this.#place = "function";
    else {
      if (!wasBetween) this.#end(emit);
      this.#place = "between";
      if (this.#calls === 0) return "bad";
      return tag === callsClose || this.#isAlone ? "done" : "more";
    }
    return "more";
  }

  #end(emit: Emit): void {
    emitCall({ name: this.#name, arguments: Object.fromEntries(this.#arguments) }, emit);
    this.#calls++;
  }
}

/** JSON, with what models write instead; what is no JSON is text. */
function jsonValue(text: string): unknown {
  const python: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };
  const word = text.trim();
  if (Object.hasOwn(python, word)) return python[word];
  const scanner = new JsonScanner();
  const json = word.split("").map((unit) => scanner.push(unit));
  try {
    return JSON.parse(json.includes(null) ? word : json.join(""));
  } catch {
    return text;
  }
}
