/**
 * Reads messages from a terminal: readline edits a line at a time, and this makes messages of lines. A backslash at the end of a line,
 * Alt+Enter and pastes bring line breaks. Knows nothing of answers.
 */
import { createInterface } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import type { ChatHistory } from "./chat-history.js";
import { safeText } from "./safe-text.js";
import { TerminalInput } from "./terminal-input.js";

/** Stands for a line break in a line that is edited: readline knows one line only. */
const lineBreak = "⏎";
const pasteMode = { on: "\x1b[?2004h", off: "\x1b[?2004l" };
/** A longer paste, or one with tabs, stands in the line by its number. */
const longestInLine = 500;
const mostLines = 8;

export interface PromptOptions {
  readonly keys: ReadStream;
  readonly out: WriteStream;
  readonly history: ChatHistory;
  readonly prompt: string;
  /** Begins all further lines of a message. */
  readonly further: string;
  readonly complete: (line: string) => readonly string[];
}

/** `interrupted`: Ctrl-C at an empty prompt. `end`: Ctrl-D, or the terminal went away. */
export interface Typed {
  readonly type: "message" | "interrupted" | "end";
  /** Empty but for a message. */
  readonly text: string;
}

interface Line {
  readonly type: "line" | "interrupted" | "cleared" | "end";
  readonly text: string;
}

export class ChatPrompt {
  readonly #options: PromptOptions;
  readonly #input: TerminalInput;
  readonly #pastes = new Map<string, string>();
  /** Ctrl-C while an answer is written. */
  onInterrupt = () => {};

  constructor(options: PromptOptions) {
    this.#options = options;
    this.#input = new TerminalInput(options.keys, {
      onInterrupt: () => this.onInterrupt(),
      onPaste: (text) => this.#shownPaste(text),
      lineBreak,
    });
  }

  /** The next message, which is not empty. */
  async read(): Promise<Typed> {
    let lines: string[] = [];
    for (;;) {
      const line = await this.#readLine(lines.length === 0);
      if (line.type === "end" || line.type === "interrupted") return { type: line.type, text: "" };
      if (line.type === "cleared") {
        lines = [];
        continue;
      }
      const goesOn = /(^|[^\\])(\\\\)*\\$/.test(line.text);
      lines.push(goesOn ? line.text.slice(0, -1) : line.text);
      if (goesOn) continue;
      const typed = lines.join(lineBreak);
      lines = [];
      if (typed.trim() === "") continue;
      const text = this.#withPastes(typed.replaceAll(lineBreak, "\n")).trim();
      return { type: "message", text };
    }
  }

  close(): void {
    this.#input.close();
  }

  #readLine(isFirst: boolean): Promise<Line> {
    const { out, prompt, further, history, complete } = this.#options;
    return new Promise((resolve) => {
      const lines = createInterface({
        input: this.#input,
        output: out,
        terminal: true,
        prompt: isFirst ? prompt : further,
        history: history.messages.map((message) => safeText(message).replaceAll("\n", lineBreak).replaceAll("\t", " ")),
        historySize: history.messages.length + 1,
        // Escape sequences of slow lines come in pieces.
        escapeCodeTimeout: 100,
        completer: (line: string) => [[...complete(line)], line],
      });
      let isDone = false;
      const end = (line: Line) => {
        if (isDone) return;
        isDone = true;
        this.#input.setEditing(false);
        lines.close();
        out.write(pasteMode.off);
        resolve(line);
      };
      lines.on("line", (text) => end({ type: "line", text }));
      lines.on("SIGINT", () => {
        const isEmpty = lines.line === "" && isFirst;
        out.write(isEmpty ? "\n" : "^C\n");
        end({ type: isEmpty ? "interrupted" : "cleared", text: "" });
      });
      lines.on("SIGTSTP", async () => {
        out.write(pasteMode.off);
        await this.#input.suspend();
        out.write(pasteMode.on);
        lines.prompt(true);
      });
      lines.on("close", () => {
        if (!isDone) out.write("\n");
        end({ type: "end", text: "" });
      });
      out.write(pasteMode.on);
      lines.prompt();
      this.#input.setEditing(true);
    });
  }

  #shownPaste(text: string): string {
    const plain = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
    const lines = plain.split("\n").length;
    if (plain.length <= longestInLine && lines <= mostLines && !plain.includes("\t")) {
      return safeText(plain).replaceAll("\n", lineBreak);
    }
    const name = `[paste ${this.#pastes.size + 1}: ${lines === 1 ? `${plain.length} characters` : `${lines} lines`}]`;
    this.#pastes.set(name, plain);
    return name;
  }

  #withPastes(text: string): string {
    let whole = text;
    for (const [name, pasted] of this.#pastes) whole = whole.replaceAll(name, () => pasted);
    this.#pastes.clear();
    return whole;
  }
}
