/** AnswerEvents are the parts of an answer while its text is read; a CallReader reads a part that is a tool call. */
import { randomBytes } from "node:crypto";

export type AnswerEvent =
  /** A piece of the text, in whole characters. */
  | { readonly type: "text"; readonly text: string }
  /** A piece of the model's reasoning. */
  | { readonly type: "reasoning"; readonly text: string }
  /** A call begins; its arguments and its end follow before anything else. */
  | { readonly type: "call"; readonly id: string; readonly name: string }
  /** A piece of the arguments' JSON. */
  | { readonly type: "arguments"; readonly text: string }
  /** Not complete: the answer ended, or stopped being JSON, within the arguments. */
  | { readonly type: "callEnd"; readonly complete: boolean };

export type Emit = (event: AnswerEvent) => void;

/**
 * Reads the calls that stand behind one opening marker, a UTF-16 unit at a time, so that what it does cannot depend on how
 * the text was cut. `done`: the unit was the last one. `bad`: no call can go on with this unit.
 */
export interface CallReader {
  take(unit: string, emit: Emit): "more" | "done" | "bad";
  /** The answer has ended. False when what was taken is no call. */
  finish(emit: Emit): boolean;
}

export interface ParsedCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The beginning of a call, with an id that no other call has. */
export function beginCall(name: string): AnswerEvent {
  return { type: "call", id: `call_${randomBytes(12).toString("hex")}`, name };
}

export function emitCall(call: ParsedCall, emit: Emit): void {
  emit(beginCall(call.name));
  emit({ type: "arguments", text: JSON.stringify(call.arguments) });
  emit({ type: "callEnd", complete: true });
}

export const isSpace = (text: string): boolean => /^\s*$/.test(text);

/** Whether a value is an object as JSON and Python's dict have it. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Events on their way out: pieces of one text are joined. */
export class EventQueue {
  #events: AnswerEvent[] = [];

  push(event: AnswerEvent): void {
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

  take(): AnswerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
