/**
 * Reads an answer as it streams: text, thoughts and tool calls. Never shows half a marker, and what cannot be read as a call
 * is text. Works a UTF-16 unit at a time, so that the outcome does not depend on how the stream is cut.
 */
import type { Tool } from "../messages.js";
import { StopMatcher } from "../stop-matcher.js";
import { type AnswerEvent, type CallReader, isSpace } from "./events.js";
import type { AnswerFormat } from "./formats.js";

export interface AnswerParserOptions {
  /** Without tools, nothing is a call. */
  readonly tools: readonly Tool[];
  /** The prompt has opened the thoughts already. */
  readonly inReasoning: boolean;
}

export class AnswerParser {
  readonly #format: AnswerFormat;
  readonly #tools: readonly Tool[];
  readonly #textMarkers: StopMatcher;
  readonly #reasoningEnd: StopMatcher;
  /** Nothing but text can come. */
  readonly #isPlain: boolean;
  #mode: "text" | "reasoning" | "call";
  #reader: CallReader | null = null;
  /** What the reader has taken since its last complete call, the marker included. */
  #raw = "";
  #isCallOpen = false;
  /** No text yet, or none since thoughts or a call: here thoughts and unmarked calls may begin. */
  #isFresh = true;
  #afterCall = false;
  /** White space that is only shown if text follows, or the answer ends. */
  #space = "";
  #events: AnswerEvent[] = [];

  constructor(format: AnswerFormat, { tools, inReasoning }: AnswerParserOptions) {
    const { reasoning, wrappers } = format;
    this.#format = format;
    this.#tools = tools;
    this.#isPlain = tools.length === 0 && reasoning === null && wrappers.length === 0;
    this.#mode = inReasoning && reasoning ? "reasoning" : "text";
    this.#textMarkers = new StopMatcher([
      ...(tools.length > 0 ? [...format.tools.opens, ...format.tools.closes] : []),
      ...(reasoning ? [reasoning.open] : []),
      ...wrappers,
    ]);
    this.#reasoningEnd = new StopMatcher(reasoning ? [reasoning.close] : []);
  }

  get inReasoning(): boolean {
    return this.#mode === "reasoning";
  }

  /** What is sure with this piece. */
  push(piece: string): AnswerEvent[] {
    if (this.#isPlain) return piece === "" ? [] : [{ type: "text", text: piece }];
    for (const unit of piece.split("")) this.#take(unit);
    return this.#takeEvents();
  }

  /** What was held back when the answer ended by itself. */
  finish(): AnswerEvent[] {
    if (this.#mode === "call") this.#finishCall();
    if (this.#mode === "reasoning") this.#reasoning(this.#reasoningEnd.flush());
    const held = this.#textMarkers.flush();
    const isCutClose = this.#afterCall && this.#format.tools.closes.some((close) => close.startsWith(held));
    if (held !== "" && !isCutClose) this.#text(held);
    if (this.#mode === "text" && !this.#isFresh) this.#emit({ type: "text", text: this.#space });
    this.#space = "";
    return this.#takeEvents();
  }

  #take(unit: string): void {
    if (this.#mode === "call") this.#takeCall(unit);
    else if (this.#mode === "reasoning") this.#takeReasoning(unit);
    else this.#takeText(unit);
  }

  #takeText(unit: string): void {
    const { reasoning, tools } = this.#format;
    if (this.#isFresh && tools.isBare && this.#tools.length > 0) {
      if (unit === "{") {
        this.#open("");
        this.#takeCall(unit);
        return;
      }
      if (this.#afterCall && (unit === ";" || unit === ",")) return;
    }
    const { text, stop } = this.#textMarkers.push(unit);
    this.#text(text);
    if (stop === null) return;
    if (stop === reasoning?.open) {
      if (this.#isFresh) this.#begin("reasoning");
      else this.#text(stop);
    } else if (tools.opens.includes(stop)) {
      this.#open(stop);
    }
  }

  #takeReasoning(unit: string): void {
    const { text, stop } = this.#reasoningEnd.push(unit);
    this.#reasoning(text);
    if (stop !== null) this.#begin("text");
  }

  #takeCall(unit: string): void {
    let emitted = false;
    const taken = this.#reader?.take(unit, (event) => {
      emitted = true;
      this.#isCallOpen = event.type !== "callEnd";
      this.#raw = ""; // what was shown as a call cannot become text again
      this.#emit(event);
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

  /** The reader could not make a call of what it took. */
  #degrade(): void {
    this.#reader = null;
    this.#mode = "text";
    this.#text(this.#raw);
    this.#raw = "";
  }

  #finishCall(): void {
    const ended = this.#reader?.finish((event) => this.#emit(event)) ?? true;
    if (ended) this.#begin("text");
    else this.#degrade();
  }

  #open(marker: string): void {
    this.#begin("call");
    this.#reader = this.#format.tools.reader(marker, this.#tools);
    this.#raw = marker;
    this.#isCallOpen = false;
  }

  #begin(mode: "text" | "reasoning" | "call"): void {
    this.#mode = mode;
    this.#reader = null;
    this.#isFresh = true;
    this.#afterCall = false;
    this.#space = "";
  }

  #text(text: string): void {
    const shown = this.#settle(text);
    if (shown === "") return;
    this.#isFresh = false;
    this.#afterCall = false;
    this.#emit({ type: "text", text: shown });
  }

  #reasoning(text: string): void {
    const shown = this.#settle(text);
    if (shown === "") return;
    this.#isFresh = false;
    this.#emit({ type: "reasoning", text: shown });
  }

  /** Leaves out white space at the beginning, and holds back what may turn out to stand at the end. */
  #settle(text: string): string {
    const space = this.#isFresh && isSpace(this.#space + text) ? "" : this.#space;
    const all = this.#isFresh ? (space + text).trimStart() : space + text;
    const body = all.trimEnd();
    this.#space = all.slice(body.length);
    return body;
  }

  #emit(event: AnswerEvent): void {
    const last = this.#events.at(-1);
    if (event.type !== "call" && event.type !== "callEnd") {
      if (event.text === "") return;
      if (last?.type === event.type) {
        this.#events[this.#events.length - 1] = { type: event.type, text: last.text + event.text };
        return;
      }
    }
    this.#events.push(event);
  }

  #takeEvents(): AnswerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
