/** `hearth chat` for a person at a terminal: prompt, history, Ctrl-C. */
import type { ReadStream, WriteStream } from "node:tty";
import type { Answerer } from "./chat-answerer.js";
import { completions } from "./chat-commands.js";
import { ChatHistory, historyFile } from "./chat-history.js";
import { ChatPrompt } from "./chat-prompt.js";
import { ChatSession } from "./chat-session.js";
import { safeLine } from "./safe-text.js";
import { wrapText } from "./text-width.js";

const usualColumns = 80;

export interface TalkOptions {
  readonly keys: ReadStream;
  readonly out: WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves when the person has enough. */
export async function talk(answerer: Answerer, { keys, out, env }: TalkOptions): Promise<void> {
  const hasStyles = !env.NO_COLOR && env.TERM !== "dumb" && out.hasColors(16);
  // A serial line tells no size.
  const columns = () => Math.max(2, out.columns || usualColumns);
  const say = (text: string) => void out.write(wrapText(text, columns()).join("\n"));
  const session = new ChatSession(answerer, {
    out: (text) => void out.write(text),
    say,
    json: false,
    isTerminal: true,
    hasStyles,
    columns,
  });
  const history = new ChatHistory(historyFile(env));
  say(`${safeLine(answerer.model)}, ${answerer.where}. /help says what there is; Ctrl-D ends.\n`);
  const bad = history.load();
  if (bad !== null) say(`hearth: what was typed before cannot be read: ${safeLine(bad)}\n`);
  const prompt = new ChatPrompt({
    keys,
    out,
    history,
    prompt: hasStyles ? "\x1b[1m>\x1b[22m " : "> ",
    further: hasStyles ? "\x1b[2m·\x1b[22m " : ". ",
    complete: completions,
  });
  const answering = new Answering();
  prompt.onInterrupt = () => answering.stop();
  const onSignal = () => answering.stop();
  process.on("SIGINT", onSignal);
  let isLeaving = false;
  let isKept = true;
  try {
    for (;;) {
      const typed = await prompt.read();
      if (typed.type === "end") return;
      if (typed.type === "interrupted") {
        if (isLeaving) return;
        isLeaving = true;
        say("Ctrl-C once more, or Ctrl-D, ends.\n");
        continue;
      }
      isLeaving = false;
      const unkept = history.add(typed.text);
      if (unkept !== null && isKept) say(`hearth: this is not kept for the next time: ${safeLine(unkept)}\n`);
      isKept = unkept === null;
      if ((await answering.run((signal) => session.take(typed.text, signal))) === "quit") return;
    }
  } finally {
    process.off("SIGINT", onSignal);
    prompt.close();
  }
}

/** The answer that is being written, where there is one. */
class Answering {
  #current: AbortController | null = null;

  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#current = new AbortController();
    try {
      return await work(this.#current.signal);
    } finally {
      this.#current = null;
    }
  }

  stop(): void {
    this.#current?.abort();
  }
}
