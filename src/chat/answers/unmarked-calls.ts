/**
 * Reads calls that a model writes without the marks of its family: an answer that is nothing but JSON objects, bare, in a list,
 * in fenced blocks or between foreign tags. Any other answer is text, which it says as soon as it is certain.
 */
import type { Tool } from "../messages.js";
import { type AnswerEvent, type Emit, isSpace } from "./events.js";
import { JsonCallReader } from "./json-calls.js";
import { holdCalls } from "./schema-check.js";
import { fence, fenceWords, foreignTags, isSeparator, type Tags } from "./wrappings.js";

export interface UnmarkedOptions {
  readonly tools: readonly Tool[];
  /** The marks of the model's own family. */
  readonly marks: readonly string[];
  /** A grammar allows nothing but a call once a tool is named: its arguments may go out as they come. */
  readonly isHeld: () => boolean;
  /** A call stands before it. */
  readonly follows: boolean;
}

/**
 * `mark`: one of the family's own follows the wrapping, and ends with this unit. `misnamed`: a call to all appearance, but of no
 * tool that is offered.
 */
export type Taken = "more" | "bad" | "mark" | "misnamed";

/** An object that may become a misnamed call. */
const misnamedCall = /^\{\s*"name"\s*:\s*"[^"\\]*(?:"\s*(?:,\s*(?:"(?<key>\w*)(?<rest>"\s*(?::\s*\{?)?)?)?)?)?$/;
const misnamedKeys = ["arguments", "parameters"];
/** Longer ones are not looked for: text waits meanwhile. */
const longestMisnamed = 300;

/** With what an unmarked call, or something around one, can begin. */
export const unmarkedBeginnings: ReadonlySet<string> = new Set(["{", "[", "`", "<"]);

export class UnmarkedReader {
  readonly #options: UnmarkedOptions;
  readonly #names: ReadonlySet<string>;
  readonly #tags: Tags;
  #object: JsonCallReader | null = null;
  /** The object so far, as the model wrote it. */
  #json = "";
  /** A fence or a tag so far. */
  #wrapping = "";
  #isInList = false;
  /** Calls that are whole, but for text behind them. */
  #calls: AnswerEvent[] = [];
  /** The object's events, as long as they may not go out. */
  #pending: AnswerEvent[] = [];
  #hasNamed = false; // the object names a tool
  #hasMisnamed = false; // it begins with another name
  #isStreaming = false;
  #hasStreamed = false;
  #found = 0;

  constructor(options: UnmarkedOptions) {
    this.#options = options;
    this.#names = new Set(options.tools.map(({ name }) => name));
    this.#tags = foreignTags(options.marks);
  }

  /** A call has gone out: what follows is another one, or nothing. */
  get hasStreamed(): boolean {
    return this.#hasStreamed;
  }

  take(unit: string, emit: Emit): Taken {
    if (this.#hasMisnamed) {
      this.#json += unit;
      return this.#readMisnamed();
    }
    if (this.#object) return this.#takeInObject(this.#object, unit, emit);
    if (this.#wrapping !== "") return this.#takeWrapping(unit, emit);
    return this.#takeBetween(unit, emit);
  }

  /** The calls that are whole. */
  flush(emit: Emit): void {
    for (const event of this.#calls) emit(event);
    this.#calls = [];
  }

  /** The answer has ended, or was cut. False when what was taken is text. */
  finish(emit: Emit, isCut: boolean): boolean {
    if (this.#isStreaming) emit({ type: "callEnd", complete: false });
    const isWhole = this.#found > 0 && this.#object === null;
    if (!isWhole && !this.#hasStreamed && !(isCut && this.#mayBecomeCall())) return false;
    this.flush(emit);
    return true;
  }

  #mayBecomeCall(): boolean {
    if (this.#hasMisnamed) return false;
    return this.#object === null || this.#hasNamed || /^\{\s*("(n|na|nam|name|name"\s*(:.*)?)?)?$/s.test(this.#json);
  }

  #takeBetween(unit: string, emit: Emit): Taken {
    if (isSpace(unit)) return "more";
    if (unit === "`" || unit === "<") {
      this.#wrapping = unit;
      return "more";
    }
    if (unit === "{") {
      this.#object = new JsonCallReader({ onlyTools: this.#names });
      this.#json = "";
      this.#hasNamed = false;
      return this.#takeInObject(this.#object, unit, emit);
    }
    if (unit === "[" || unit === "]") {
      const fits = (unit === "[") !== this.#isInList;
      this.#isInList = unit === "[";
      return fits ? "more" : "bad";
    }
    return (this.#found > 0 || this.#options.follows) && isSeparator(unit) ? "more" : "bad";
  }

  #takeWrapping(unit: string, emit: Emit): Taken {
    const text = this.#wrapping + unit;
    const { opens, closes } = this.#tags;
    const known = text.startsWith("`")
      ? fenceWords.map((word) => fence + word)
      : [...opens, ...closes, ...this.#options.marks];
    if (known.some((each) => each.startsWith(text))) {
      const isMark = this.#options.marks.includes(text);
      // A fence's word has no end of its own.
      this.#wrapping = text.endsWith(">") && known.includes(text) ? "" : text;
      return isMark ? "mark" : "more";
    }
    const isFence = known.includes(this.#wrapping) && this.#wrapping.startsWith("`");
    if (!isFence) return "bad";
    this.#wrapping = "";
    return this.#takeBetween(unit, emit);
  }

  #takeInObject(object: JsonCallReader, unit: string, emit: Emit): Taken {
    const taken = object.take(unit, (event) => this.#pass(event, emit));
    this.#json += unit;
    if (taken === "bad") return this.#refuseName();
    if (taken === "done") return this.#endObject();
    if (this.#hasNamed || isSpace(unit)) return "more"; // a look at each of many spaces would take long
    const name = /^\{\s*"name"\s*:\s*"([^"\\]*)("?)$/.exec(this.#json);
    if (!name) return "more";
    const [, begun = "", quote] = name;
    this.#hasNamed = quote === '"';
    const fits = [...this.#names].some((each) => (this.#hasNamed ? each === begun : each.startsWith(begun)));
    return fits ? "more" : this.#refuseName();
  }

  /** An object that calls no offered tool may call one of another name, as long as nothing else was said. */
  #refuseName(): Taken {
    const { follows, isHeld } = this.#options;
    if (follows || this.#found > 0 || this.#hasStreamed || !isHeld()) return "bad";
    this.#hasMisnamed = true;
    this.#hasNamed = false;
    return this.#readMisnamed();
  }

  #readMisnamed(): Taken {
    const match = this.#json.length > longestMisnamed ? null : misnamedCall.exec(this.#json);
    if (!match) return "bad";
    const { key = "", rest } = match.groups ?? {};
    const isKnown = misnamedKeys.some((known) => (rest === undefined ? known.startsWith(key) : known === key));
    if (!isKnown) return "bad";
    return rest?.endsWith("{") ? "misnamed" : "more";
  }

  #endObject(): Taken {
    this.#object = null;
    this.#found++;
    this.#isStreaming = false;
    const events = this.#pending;
    this.#pending = [];
    this.#calls.push(...events);
    return holdCalls(events, this.#options.tools) ? "more" : "bad";
  }

  #pass(event: AnswerEvent, emit: Emit): void {
    // A grammar holds only calls that begin with the name.
    if (event.type === "call" && this.#options.isHeld() && this.#hasNamed) this.#isStreaming = this.#calls.length === 0;
    this.#hasStreamed ||= this.#isStreaming;
    if (this.#isStreaming) emit(event);
    else this.#pending.push(event);
  }
}
