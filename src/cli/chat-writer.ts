/** Writes answers of `hearth chat` while they come, for a person at a terminal or for a pipe. Knows nothing of who answers. */
import type { AnswerEnd, AnswerEvent } from "./answer-events.js";
import { safeLine, safeText } from "./safe-text.js";
import { wrapText } from "./text-width.js";
import { WordTyper } from "./word-typer.js";

export interface WriterOptions {
  readonly write: (text: string) => void;
  /** Reasoning, figures and what is waited for are shown too. */
  readonly isTerminal: boolean;
  /** Dim and bold are wanted. */
  readonly hasStyles: boolean;
  readonly columns: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
}

/** Nothing is said of what is waited for before that. */
const patienceMs = 400;
const eraseLine = "\r\x1b[K";

export class AnswerWriter {
  readonly #options: WriterOptions;
  readonly #askedAt: number;
  #firstAt: number | null = null;
  #lastAt = 0;
  #pieces = 0;
  #text = "";
  #state: "nothing" | "waiting" | "reasoning" | "text" = "nothing";
  #isLineOpen = false;
  readonly #typer = new WordTyper();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#askedAt = options.now();
  }

  /** All of the answer so far, as the model wrote it. */
  get text(): string {
    return this.#text;
  }

  take(event: AnswerEvent): void {
    if (event.type === "text") this.#takeText(event.text);
    if (event.type === "reasoning") this.#takeReasoning(event.text);
    if (event.type === "queued") this.#wait(`waiting: place ${event.position} in the queue`);
    if (event.type === "reading") this.#wait(`reading the prompt: ${event.read} of ${event.total} tokens`);
    if (event.type === "waiting") this.#wait(`waiting: ${safeLine(event.why)}`);
  }

  /** A line that waits gives way to what others write. */
  giveWay(): void {
    if (this.#state === "waiting") this.#leave();
  }

  /** `note`: why the answer is no whole one; empty where it is. */
  end(end: AnswerEnd | null, note = ""): void {
    this.#leave();
    if (this.#isLineOpen || (!this.#options.isTerminal && this.#text === "")) this.#write("\n");
    this.#isLineOpen = false;
    if (!this.#options.isTerminal) return;
    const parts = [...this.#figures(end), ...(note === "" ? [] : [note])];
    const lines = wrapText(`[${parts.join(", ")}]`, Math.max(2, this.#options.columns()));
    if (parts.length > 0) this.#write(`${this.#dim(lines.join("\n"))}\n`);
  }

  #takeText(text: string): void {
    this.#count();
    this.#text += text;
    // Models often begin with an empty line.
    const shown = this.#text.trim() === "" ? "" : this.#state === "text" ? text : this.#text.trimStart();
    if (shown === "") return;
    if (this.#state !== "text") this.#leave();
    this.#state = "text";
    this.#type(safeText(shown));
    this.#isLineOpen = !shown.endsWith("\n");
  }

  #takeReasoning(text: string): void {
    this.#count();
    const { isTerminal, hasStyles } = this.#options;
    // Without styles nobody could tell it from the answer.
    if (!hasStyles) this.#wait("thinking");
    if (!isTerminal || !hasStyles) return;
    if (this.#state !== "reasoning") this.#leave();
    this.#state = "reasoning";
    this.#type(safeText(text));
    this.#isLineOpen = !text.endsWith("\n");
  }

  /** A line that gives way to what comes next. */
  #wait(words: string): void {
    const { isTerminal, now, columns } = this.#options;
    if (!isTerminal || this.#state === "text" || this.#state === "reasoning") return;
    if (this.#state === "nothing" && now() - this.#askedAt < patienceMs) return;
    this.#state = "waiting";
    this.#write(`${eraseLine}${this.#dim(words.slice(0, Math.max(1, columns() - 1)))}`);
  }

  /** Ends what was shown before the next kind of it. */
  #leave(): void {
    if (this.#state === "waiting") this.#write(eraseLine);
    if (this.#state === "reasoning") this.#write(this.#isLineOpen ? "\n\n" : "\n");
    if (this.#state === "reasoning") this.#isLineOpen = false;
    this.#typer.reset();
    if (this.#state !== "text") this.#state = "nothing";
  }

  #count(): void {
    this.#lastAt = this.#options.now();
    this.#firstAt ??= this.#lastAt;
    this.#pieces++;
  }

  #figures(end: AnswerEnd | null): string[] {
    const tokens = end?.tokens ?? this.#pieces;
    if (this.#firstAt === null || tokens === 0) return [];
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    const speed = seconds > 0.01 && tokens > 1 ? (tokens - 1) / seconds : null;
    return [
      `${tokens} token${tokens === 1 ? "" : "s"}`,
      ...(speed === null ? [] : [`${figure(speed)} tokens/s`]),
      `the first after ${figure((this.#firstAt - this.#askedAt) / 1000)} s`,
    ];
  }

  /** On a terminal lines break between words; reasoning is dim. */
  #type(text: string): void {
    const { isTerminal, columns } = this.#options;
    const typed = isTerminal ? this.#typer.type(text, Math.max(2, columns())) : text;
    this.#write(this.#state === "reasoning" ? this.#dim(typed) : typed);
  }

  #dim(text: string): string {
    return this.#options.hasStyles ? `\x1b[2m${text}\x1b[22m` : text;
  }

  #write(text: string): void {
    this.#options.write(text);
  }
}

/** Two digits that count: `0.04`, `3.1`, `42`. */
function figure(value: number): string {
  return value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : String(Math.round(value));
}
