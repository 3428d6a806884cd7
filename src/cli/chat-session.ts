/** One run of `hearth chat`: takes a line after the other, whether they are typed or come from a pipe. */
import { HearthError } from "../base/errors.js";
import type { AnswerEnd } from "./answer-events.js";
import type { Answerer } from "./chat-answerer.js";
import { type ChatCommand, chatLine, helpText } from "./chat-commands.js";
import { Conversation } from "./chat-conversation.js";
import { AnswerWriter } from "./chat-writer.js";
import { toHearthError } from "./exit-status.js";
import { safeJson, safeLine, safeText } from "./safe-text.js";

export interface SessionOptions {
  /** Answers. */
  readonly out: (text: string) => void;
  /** Everything else for people. */
  readonly say: (text: string) => void;
  /** Each answer is one JSON object. */
  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly hasStyles: boolean;
  readonly columns: () => number;
}

export class ChatSession {
  readonly #answerer: Answerer;
  readonly #options: SessionOptions;
  readonly #conversation = new Conversation();
  /** The oldest turns that the person knows the model does not see any more. */
  #knownLeftOut = 0;

  constructor(answerer: Answerer, options: SessionOptions) {
    this.#answerer = answerer;
    this.#options = options;
  }

  /** `text`: a message or a command. The error was told already; `signal` ends the answer, and nothing else. */
  async take(text: string, signal: AbortSignal): Promise<"done" | "quit" | HearthError> {
    const line = chatLine(text);
    try {
      if (line.type === "message") return await this.#ask(line.text, signal);
      if (line.type === "unknown") {
        throw new HearthError("COMMAND_INVALID", `There is no ${safeLine(line.word.slice(0, 40))} here.`, {
          advice: "/help lists what there is; a message that begins with / is typed with //.",
        });
      }
      if (line.command === "/quit") return "quit";
      await this.#run(line.command, line.value);
      return "done";
    } catch (error) {
      return this.#tell(error);
    }
  }

  async #run(command: Exclude<ChatCommand, "/quit">, value: string): Promise<void> {
    const { say } = this.#options;
    const answerer = this.#answerer;
    switch (command) {
      case "/help":
        return say(helpText());
      case "/new":
        this.#conversation.clear();
        this.#knownLeftOut = 0;
        return say("A new conversation.\n");
      case "/system":
        if (value !== "") this.#conversation.instructions = value === "-" ? "" : value;
        return say(`${this.#systemWords()}\n`);
      case "/model": {
        if (value !== "") await answerer.use(value);
        if (value !== "") return say(`${safeLine(answerer.model)} answers now.\n`);
        const names = await answerer.models();
        return say(names.map((name) => `${name === answerer.model ? "*" : " "} ${safeLine(name)}\n`).join(""));
      }
      case "/save": {
        if (value === "") throw new HearthError("COMMAND_INVALID", "/save takes a file's name.", { advice: "" });
        const file = await this.#conversation.save(value, answerer.model);
        return say(`Written to ${safeLine(file)}.\n`);
      }
    }
  }

  #systemWords(): string {
    const { instructions } = this.#conversation;
    return instructions === "" ? "There is no system prompt." : `The system prompt: ${safeText(instructions)}`;
  }

  async #ask(question: string, signal: AbortSignal): Promise<"done" | HearthError> {
    const { out, say, json, ...shown } = this.#options;
    const write = json ? () => {} : out;
    const writer = new AnswerWriter({ write, now: () => performance.now(), ...shown });
    let end: AnswerEnd | null = null;
    let failure: HearthError | null = null;
    try {
      const events = this.#answerer.answer(this.#conversation.messagesFor(question), signal);
      for (;;) {
        const { done, value } = await events.next();
        if (done) {
          end = value;
          break;
        }
        if (value.type === "leftOut") {
          writer.giveWay();
          this.#tellLeftOut(value.turns);
        } else writer.take(value);
      }
    } catch (error) {
      failure = toHearthError(error);
    }
    writer.end(
      end,
      end?.reason === "length" ? "cut at its longest length" : end?.reason === "cancelled" ? "stopped" : "",
    );
    this.#conversation.add(question, writer.text);
    if (json && end) out(`${safeJson({ model: this.#answerer.model, text: writer.text, ...end })}\n`);
    return failure ? this.#tell(failure) : "done";
  }

  /** Once for each turn: of a conversation that is too long every answer lacks them. */
  #tellLeftOut(turns: number): void {
    if (turns > this.#knownLeftOut) {
      const these =
        turns === 1 ? "oldest question and its answer are" : `${turns} oldest questions and their answers are`;
      this.#options.say(
        `The conversation is too long for the model: the ${these} no longer read. /new begins another.\n`,
      );
    }
    this.#knownLeftOut = turns;
  }

  #tell(error: unknown): HearthError {
    const failure = toHearthError(error);
    const isLost = failure.code === "DAEMON_UNREACHABLE";
    const words = [failure.message, isLost ? lostAdvice : failure.advice].join(" ").trim();
    this.#options.say(`hearth: ${safeLine(words)}\n`);
    return failure;
  }
}

const lostAdvice = "The conversation is kept here: ask again, and it goes on as soon as the daemon is back.";
