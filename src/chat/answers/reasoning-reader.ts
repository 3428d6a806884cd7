/**
 * Reads reasoning up to its end. A call that the model writes within it is kept back: it is meant where the model leaves it
 * at that, and reasoning like the rest where more follows.
 */
import type { Tool } from "../messages.js";
import { TextMatcher } from "../text-matcher.js";
import { type AnswerEvent, type CallReader, isSpace } from "./events.js";
import type { AnswerFormat } from "./formats.js";
import { holdCalls } from "./schema-check.js";

export interface ReasoningPiece {
  readonly text: string;
  readonly isOver: boolean;
}

export class ReasoningReader {
  readonly #format: AnswerFormat;
  readonly #tools: readonly Tool[];
  readonly #markers: TextMatcher;
  #reader: CallReader | null = null;
  /** The calls as they stand in the reasoning, and white space and marks behind them. */
  #raw = "";
  #calls: AnswerEvent[] = [];
  #reading: AnswerEvent[] = []; // of the call that the reader is in

  constructor(format: AnswerFormat, tools: readonly Tool[]) {
    const { opens, closes } = format.tools;
    this.#format = format;
    this.#tools = tools;
    this.#markers = new TextMatcher([
      ...(format.reasoning ? [format.reasoning.close] : []),
      ...(tools.length > 0 ? [...opens, ...closes] : []),
    ]);
  }

  /** The text that is certain to be reasoning with this unit. */
  take(unit: string): ReasoningPiece {
    if (this.#reader) return this.#takeInCall(this.#reader, unit);
    const { text, match: mark } = this.#markers.push(unit);
    const shown = this.#show(text);
    const { reasoning, tools } = this.#format;
    if (mark === null) return { text: shown, isOver: false };
    if (mark === reasoning?.close) return { text: shown, isOver: true };
    if (!tools.opens.includes(mark)) return { text: shown + this.#behindCalls(mark), isOver: false };
    this.#raw += mark;
    this.#reading = [];
    this.#reader = tools.reader(mark, this.#tools);
    return { text: shown, isOver: false };
  }

  /** The text that was held back when the answer ended within the reasoning; calls that are whole are kept. */
  flush(): string {
    const reader = this.#reader;
    this.#reader = null;
    if (reader) return reader.finish((event) => this.#reading.push(event)) && this.#keep() ? "" : this.#giveUp();
    const held = this.#markers.flush();
    const isClose = this.#calls.length > 0 && this.#format.tools.closes.some((close) => close.startsWith(held));
    return isClose ? "" : this.#show(held);
  }

  /** The calls that were kept back, and their text; afterwards there are none. */
  takeCalls(): { readonly text: string; readonly calls: readonly AnswerEvent[] } {
    const calls = this.#calls;
    return { text: this.#giveUp(), calls };
  }

  #takeInCall(reader: CallReader, unit: string): ReasoningPiece {
    const close = this.#format.reasoning?.close ?? "";
    const taken = reader.take(unit, (event) => this.#reading.push(event));
    if (taken === "bad") {
      const before = this.#giveUp();
      const { text, isOver } = this.take(unit);
      return { text: before + text, isOver };
    }
    this.#raw += unit;
    // A mark that was only mentioned must not swallow the answer.
    if (taken === "more" && this.#raw.endsWith(close)) {
      return { text: this.#giveUp().slice(0, -close.length), isOver: true };
    }
    if (taken === "more") return { text: "", isOver: false };
    this.#reader = null;
    return { text: this.#keep() ? "" : this.#giveUp(), isOver: false };
  }

  #keep(): boolean {
    this.#calls.push(...this.#reading);
    return holdCalls(this.#reading, this.#tools);
  }

  #show(text: string): string {
    return isSpace(text) ? this.#behindCalls(text) : this.#giveUp() + text;
  }

  #behindCalls(text: string): string {
    if (this.#calls.length === 0) return text;
    this.#raw += text;
    return "";
  }

  /** No calls after all, but reasoning. */
  #giveUp(): string {
    const text = this.#raw;
    this.#raw = "";
    this.#calls = [];
    this.#reader = null;
    return text;
  }
}
