/**
 * The keys of a terminal, before the line editor gets them: a paste comes as one text, Alt+Enter as the mark of a line break, and while
 * nobody edits a line, keys wait and Ctrl-C is told at once. Knows nothing of lines.
 */
import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReadStream } from "node:tty";

const pasteBegin = "\x1b[200~";
const pasteEnd = "\x1b[201~";
const interrupt = "\x03";
/** Keys that end a line. */
const lineEnd = new RegExp(`[\r\n${interrupt}]`);
/** Alt+Enter, as terminals send it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
const altEnter = /\x1b[\r\n]/g;
/** Keys that are pressed while an answer is written; more are forgotten. */
const longestWait = 1024;
/** A signal to oneself has come by then. */
const suspendMs = 50;
/** No more is kept of a paste. */
const longestPaste = 1024 * 1024;

export interface InputHandlers {
  /** Ctrl-C, while nobody edits a line. */
  onInterrupt(): void;
  /** Returns the text that stands in the line for a paste. */
  onPaste(text: string): string;
  /** The text that stands in the line for Alt+Enter. */
  readonly lineBreak: string;
}

/** Splits keys into those that were typed and those of pastes. Pure but for what it remembers between two pieces. */
export class PasteFinder {
  readonly #handlers: InputHandlers;
  /** null: no paste is on its way. */
  #pasted: string | null = null;
  /** The beginning of a mark that may go on in the next piece. */
  #rest = "";

  constructor(handlers: InputHandlers) {
    this.#handlers = handlers;
  }

  /** The keys for the line editor. */
  take(keys: string): string {
    let text = this.#rest + keys;
    let typed = "";
    this.#rest = "";
    while (text !== "") {
      const mark = this.#pasted === null ? pasteBegin : pasteEnd;
      const found = text.indexOf(mark);
      const held = found < 0 ? beginningOf(mark, text) : 0;
      // A lone Escape is a key; with two characters more it may be a mark.
      const kept = held > 1 || this.#pasted !== null ? held : 0;
      const end = found < 0 ? text.length - kept : found;
      if (this.#pasted === null) typed += text.slice(0, end).replace(altEnter, this.#handlers.lineBreak);
      else this.#pasted = (this.#pasted + text.slice(0, end)).slice(0, longestPaste);
      if (found < 0) {
        this.#rest = text.slice(end);
        return typed;
      }
      text = text.slice(found + mark.length);
      if (this.#pasted !== null) typed += this.#handlers.onPaste(this.#pasted);
      this.#pasted = this.#pasted === null ? "" : null;
    }
    return typed;
  }
}

/** Looks to readline like the terminal itself. */
export class TerminalInput extends Transform {
  readonly isTTY = true;
  readonly #terminal: ReadStream;
  readonly #handlers: InputHandlers;
  readonly #decoder = new StringDecoder("utf8");
  readonly #pastes: PasteFinder;
  #waiting = "";
  /** Keys behind the end of a line: readline forgets them when the line is done. */
  #ahead = "";
  #isEditing = false;

  constructor(terminal: ReadStream, handlers: InputHandlers) {
    super();
    this.#terminal = terminal;
    this.#handlers = handlers;
    this.#pastes = new PasteFinder(handlers);
    terminal.setRawMode(true);
    terminal.pipe(this);
    terminal.on("error", () => this.end()); // it went away
  }

  /** Whether somebody edits a line. The keys that waited are handed on then. */
  setEditing(isEditing: boolean): void {
    this.#isEditing = isEditing;
    if (!isEditing) return;
    const keys = this.#waiting;
    this.#waiting = "";
    this.#type(this.#pastes.take(keys));
  }

  /** Hands on what is typed, up to the end of the line. */
  #type(typed: string): void {
    const keys = this.#ahead + typed;
    const end = keys.search(lineEnd) + 1;
    const line = end > 0 ? keys.slice(0, end) : keys;
    this.#ahead = keys.slice(line.length);
    if (end > 0) this.#isEditing = false;
    // Keys go one by one: readline draws a line of several rows wrongly when it gets more at once.
    for (const key of line) this.push(key);
  }

  /** Does nothing: the terminal stays raw between lines, so that Ctrl-C is a key all the time. */
  setRawMode(_isRaw: boolean): this {
    return this;
  }

  /** Stops this process as Ctrl-Z does elsewhere; resolves when somebody goes on with it, or nobody could and it has not stopped. */
  async suspend(): Promise<void> {
    this.#terminal.setRawMode(false);
    process.kill(process.pid, "SIGTSTP");
    await sleep(suspendMs);
    this.#terminal.setRawMode(true);
  }

  close(): void {
    this.#terminal.unpipe(this);
    this.#terminal.setRawMode(false);
    this.#terminal.pause();
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    const keys = this.#decoder.write(chunk);
    if (this.#isEditing) {
      this.#type(this.#pastes.take(keys));
    } else {
      const last = keys.lastIndexOf(interrupt);
      if (last >= 0) {
        this.#ahead = "";
        this.#handlers.onInterrupt();
      }
      // Keys from before Ctrl-C were for what it ended.
      this.#waiting = last >= 0 ? keys.slice(last + 1) : (this.#waiting + keys).slice(0, longestWait);
    }
    done();
  }
}

/** How many characters at the end of the text are the beginning of the mark. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
