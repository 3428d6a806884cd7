/**
 * Reads an answer as it streams: text, reasoning and tool calls. Never shows half a marker, and what cannot be read as a call
 * is text. Works a UTF-16 unit at a time, so that the outcome does not depend on how the stream is cut.
 */
import type { Tool } from "../messages.js";
import { TextMatcher } from "../text-matcher.js";
import { DoubledMarkReader } from "./doubled-marks.js";
import { type AnswerEvent, type CallReader, EventQueue, isSpace } from "./events.js";
import type { AnswerFormat } from "./formats.js";
import { ReasoningReader } from "./reasoning-reader.js";
import { UnmarkedReader, unmarkedBeginnings } from "./unmarked-calls.js";
import { fence, isSeparator } from "./wrappings.js";

export interface AnswerParserOptions {
  /** Without tools, nothing is a call. */
  readonly tools: readonly Tool[];
  /** The prompt has opened the reasoning already. */
  readonly inReasoning: boolean;
  /** Calls are asked for: where text would follow one, the answer is over. */
  readonly onlyCalls?: boolean;
}

export interface AnswerEnd {
  /** A limit has cut the answer: what was becoming a call is no text then. */
  readonly isCut: boolean;
}

export class AnswerParser {
  readonly #format: AnswerFormat;
  readonly #tools: readonly Tool[];
  readonly #textMarkers: TextMatcher;
  readonly #reasoningReader: ReasoningReader;
  /** Text that is still to be read. */
  #input = "";
  /** Nothing but text can come. */
  readonly #isPlain: boolean;
  #mode: "text" | "reasoning" | "call" | "unmarked";
  #reader: CallReader | null = null;
  #unmarked: UnmarkedReader | null = null;
  /** Text that the reader has taken since its last complete call, the marker included. */
  #raw = "";
  #isCallOpen = false;
  /** No text yet, or none since reasoning or a call: here reasoning and unmarked calls may begin. */
  #isFresh = true;
  #afterCall = false;
  #isClosed = false; // the call before, by its mark
  /** An unmarked call may begin, and the grammar would hold it to one. */
  #isHeld = false;
  /** The text that begins here was read as unmarked calls already, in vain. */
  #isText = false;
  /** A block was opened around calls: where it ends is no text. */
  #inFence = false;
  /** White space that is only shown if text follows, or the answer ends. */
  #space = "";
  readonly #events = new EventQueue();
  readonly #onlyCalls: boolean;
  #hasCalled = false;
  #isOver = false;
  #namesNoTool = false;

  constructor(format: AnswerFormat, { tools, inReasoning, onlyCalls = false }: AnswerParserOptions) {
    const { reasoning, wrappers } = format;
    this.#format = format;
    this.#tools = tools;
    this.#onlyCalls = onlyCalls;
    this.#isPlain = tools.length === 0 && reasoning === null && wrappers.length === 0;
    this.#mode = inReasoning && reasoning ? "reasoning" : "text";
    this.#textMarkers = new TextMatcher([
      ...(tools.length > 0 ? [...format.tools.opens, ...format.tools.closes] : []),
      ...(reasoning ? [reasoning.open] : []),
      ...wrappers,
    ]);
    this.#reasoningReader = new ReasoningReader(format, tools);
  }

  get inReasoning(): boolean {
    return this.#mode === "reasoning";
  }

  /** Further text would be no part of the answer: calls were asked for, or came without marks, and something else begins. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The answer, but for reasoning, begins as a call of a tool that there is not: what is said then is that call as text. */
  get namesNoTool(): boolean {
    return this.#namesNoTool;
  }

  /** The answer follows a grammar that lets nothing but a call go on where one has begun (see grammar/answer.ts). */
  expectHeldCalls(): void {
    this.#isHeld = true;
  }

  /** The events that are certain with this piece. */
  push(piece: string): AnswerEvent[] {
    if (this.#isPlain) return piece === "" ? [] : [{ type: "text", text: piece }];
    this.#read(piece);
    return this.#events.take();
  }

  /** The events of the text that was held back when the answer ended. */
  finish({ isCut }: AnswerEnd = { isCut: false }): AnswerEvent[] {
    if (this.#isOver) return [];
    while (this.#mode === "unmarked") this.#finishUnmarked(isCut);
    if (this.#mode === "call") this.#finishCall(isCut);
    if (this.#mode === "reasoning") this.#reasoning(this.#reasoningReader.flush());
    const held = this.#textMarkers.flush();
    if (held !== "" && !this.#isCutMark(held, isCut)) this.#text(held);
    if (this.#mode === "text" && !this.#isFresh) this.#emit({ type: "text", text: this.#space });
    this.#space = "";
    const { text, calls } = this.#reasoningReader.takeCalls();
    // Calls that the model wrote in its reasoning, and left it at that, are meant.
    if (isCut) this.#emit({ type: "reasoning", text });
    else for (const event of calls) this.#emit(event);
    return this.#events.take();
  }

  #read(text: string): void {
    this.#input = text;
    while (this.#input !== "") {
      // A unit may put text before the rest, so that units are taken one by one.
      const units = this.#input.split("");
      this.#input = "";
      for (const [i, unit] of units.entries()) {
        if (this.#isOver) return;
        this.#take(unit);
        if (this.#input === "") continue;
        this.#input += units.slice(i + 1).join("");
        break;
      }
    }
  }

  #take(unit: string): void {
    if (this.#mode === "call") this.#takeCall(unit);
    else if (this.#mode === "unmarked") this.#takeUnmarked(unit);
    else if (this.#mode === "reasoning") this.#takeReasoning(unit);
    else this.#takeText(unit);
  }

  #takeText(unit: string): void {
    const { reasoning, tools, wrappers } = this.#format;
    if (this.#isFresh && !this.#isText && this.#tools.length > 0) {
      const isBetween = this.#afterCall && isSeparator(unit);
      if (isBetween || unmarkedBeginnings.has(unit)) {
        this.#beginUnmarked(unit);
        return;
      }
    }
    const { text, match: mark } = this.#textMarkers.push(unit);
    this.#text(text);
    if (mark === null) return;
    this.#isText = false;
    const isSecondClose = this.#isClosed && tools.closes.includes(mark);
    if (isSecondClose || wrappers.includes(mark)) this.#isHeld = false; // the grammar takes it for text
    this.#isClosed ||= tools.closes.includes(mark);
    if (mark === reasoning?.open) {
      if (this.#isFresh) this.#begin("reasoning");
      else this.#text(mark);
    } else if (tools.opens.includes(mark)) {
      this.#open(mark);
    }
  }

  #takeReasoning(unit: string): void {
    const { text, isOver } = this.#reasoningReader.take(unit);
    this.#reasoning(text);
    if (isOver) this.#begin("text");
  }

  #takeCall(unit: string): void {
    let emitted = false;
    const taken = this.#reader?.take(unit, (event) => {
      emitted = true;
      this.#emitOfCall(event);
    });
    if (taken === "more") {
      if (!emitted && !this.#isCallOpen) this.#raw += unit;
    } else if (taken === "done") {
      this.#begin("text");
      this.#afterCall = true;
    } else {
      this.#degrade();
      this.#take(unit);
    }
  }

  #takeUnmarked(unit: string): void {
    let emitted = false;
    const taken = this.#unmarked?.take(unit, (event) => {
      emitted = true;
      this.#emitOfCall(event);
    });
    this.#namesNoTool ||= taken === "misnamed" && !this.#hasCalled;
    const isText = taken === "bad" || taken === "misnamed";
    if (isText && this.#unmarked?.hasStreamed) this.#isOver = true;
    else if (isText) this.#readAsText(this.#raw + unit);
    else if (!emitted && !this.#isCallOpen) this.#raw += unit;
    if (taken === "mark") this.#openWrapped();
  }

  /** A mark of the family stands within a block or between foreign tags. */
  #openWrapped(): void {
    this.#unmarked?.flush((event) => this.#emitOfCall(event));
    const wrapped = this.#raw;
    this.#inFence ||= wrapped.includes(fence);
    this.#open(this.#format.tools.opens.find((mark) => wrapped.endsWith(mark)) ?? "");
    this.#raw = wrapped;
  }

  /** There was no call in it. */
  #readAsText(text: string): void {
    this.#mode = "text";
    this.#unmarked = null;
    this.#raw = "";
    this.#isText = true;
    const isEndOfFence = this.#inFence && this.#afterCall && text.startsWith(fence);
    this.#input = isEndOfFence ? text.slice(fence.length) : text;
  }

  /** The reader could not make a call of what it took. */
  #degrade(): void {
    this.#reader = null;
    this.#mode = "text";
    this.#text(this.#raw);
    this.#raw = "";
  }

  #finishCall(isCut: boolean): void {
    const ended = this.#reader?.finish((event) => this.#emit(event)) ?? true;
    if (ended || isCut) this.#begin("text");
    else this.#degrade();
  }

  #finishUnmarked(isCut: boolean): void {
    const ended = this.#unmarked?.finish((event) => this.#emit(event), isCut) ?? true;
    if (ended) {
      this.#begin("text");
    } else {
      this.#readAsText(this.#raw);
      this.#read(this.#input);
    }
  }

  /** Whether the answer ended within a mark that is no text. */
  #isCutMark(held: string, isCut: boolean): boolean {
    const { tools, reasoning, wrappers } = this.#format;
    if (this.#afterCall && tools.closes.some((close) => close.startsWith(held))) return true;
    const opens = [...tools.opens, ...tools.closes, ...(reasoning ? [reasoning.open] : []), ...wrappers];
    // One unit alone within a text is rather a bracket.
    return isCut && (this.#isFresh || held.length > 1) && opens.some((open) => open.startsWith(held));
  }

  #open(marker: string): void {
    this.#begin("call");
    this.#reader = new DoubledMarkReader(marker, this.#format.tools.reader(marker, this.#tools));
    this.#raw = marker;
    this.#isCallOpen = false;
  }

  #beginUnmarked(unit: string): void {
    this.#mode = "unmarked";
    const { opens: marks } = this.#format.tools;
    this.#unmarked = new UnmarkedReader({
      ...{ tools: this.#tools, marks, isHeld: () => this.#isHeld, follows: this.#afterCall },
    });
    this.#raw = "";
    this.#isCallOpen = false;
    this.#takeUnmarked(unit);
  }

  #begin(mode: "text" | "reasoning" | "call"): void {
    this.#mode = mode;
    this.#reader = null;
    this.#unmarked = null;
    this.#isFresh = true;
    this.#isText = false;
    this.#afterCall = false;
    this.#isClosed = false;
    this.#space = "";
  }

  #text(text: string): void {
    const shown = this.#settle(text);
    if (shown === "") return;
    if (this.#onlyCalls && this.#hasCalled) this.#isOver = true;
    if (this.#isOver) return;
    this.#isFresh = false;
    this.#afterCall = false;
    this.#inFence = false;
    this.#emit({ type: "text", text: shown });
  }

  #reasoning(text: string): void {
    const shown = this.#settle(text);
    if (shown === "") return;
    if (this.#onlyCalls && this.#hasCalled) this.#isOver = true;
    if (this.#isOver) return;
    this.#isFresh = false;
    this.#emit({ type: "reasoning", text: shown });
  }

  /** Leaves out white space at the beginning, and holds back what may turn out to stand at the end. */
  #settle(text: string): string {
    if (isSpace(text)) {
      if (!this.#isFresh) this.#space += text;
      return "";
    }
    const all = this.#isFresh ? text.trimStart() : this.#space + text;
    const body = all.trimEnd();
    this.#space = all.slice(body.length);
    return body;
  }

  #emitOfCall(event: AnswerEvent): void {
    this.#isCallOpen = event.type !== "callEnd";
    this.#raw = ""; // what was shown as a call cannot become text again
    this.#emit(event);
  }

  #emit(event: AnswerEvent): void {
    if ("text" in event && event.text === "") return;
    // A call within the reasoning was a part of it when more follows.
    if (event.type === "text" || event.type === "call")
      this.#events.push({ type: "reasoning", text: this.#reasoningReader.takeCalls().text });
    this.#hasCalled ||= event.type === "call";
    this.#events.push(event);
  }
}
