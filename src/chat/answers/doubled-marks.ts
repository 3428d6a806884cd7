/** DoubledMarkReader passes over a mark that opens calls where the model has written it twice. */
import { type CallReader, type Emit, isSpace } from "./events.js";

export class DoubledMarkReader implements CallReader {
  readonly #mark: string;
  readonly #reader: CallReader;
  /** Text that may become the mark again; null once the call has begun. */
  #again: string | null = "";

  constructor(mark: string, reader: CallReader) {
    this.#mark = mark;
    this.#reader = reader;
  }

  take(unit: string, emit: Emit): "more" | "done" | "bad" {
    if (this.#again === null) return this.#reader.take(unit, emit);
    const again = this.#again + unit;
    if (this.#mark.startsWith(again)) {
      this.#again = again === this.#mark ? "" : again;
      return "more";
    }
    if (!isSpace(again)) this.#again = null;
    let taken: "more" | "done" | "bad" = "more";
    for (const each of again.split("")) if (taken === "more") taken = this.#reader.take(each, emit);
    return taken;
  }

  finish(emit: Emit): boolean {
    return this.#reader.finish(emit);
  }
}
