/** A conversation of `hearth chat`: what was said, and how it is written to a file. */
import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { fromSystemError, isSystemError, shownPath } from "../base/files.js";
import { privateMode, writeSynced } from "../store/durable-files.js";
import type { ChatMessage } from "./chat-answerer.js";

export class Conversation {
  instructions = "";
  #turns: ChatMessage[] = [];

  /** Without the system prompt. */
  get turns(): readonly ChatMessage[] {
    return this.#turns;
  }

  /** The messages that a model is given for the next question. */
  messagesFor(question: string): readonly ChatMessage[] {
    const system: ChatMessage[] = this.instructions === "" ? [] : [{ role: "system", content: this.instructions }];
    return [...system, ...this.#turns, { role: "user", content: question }];
  }

  /** A question without any answer leaves nothing: it is asked again. */
  add(question: string, answer: string): void {
    if (answer.trim() === "") return;
    this.#turns.push({ role: "user", content: question }, { role: "assistant", content: answer });
  }

  clear(): void {
    this.#turns = [];
  }

  /** Returns the file's path. COMMAND_INVALID where there is such a file already; FILE_WRITE_FAILED, FILE_OPEN_FAILED, DISK_FULL. */
  async save(name: string, model: string): Promise<string> {
    const file = path.resolve(name.replace(/^~(?=\/)/, homedir()));
    const text = file.endsWith(".json") ? this.#asJson(model) : this.#asMarkdown(model);
    try {
      // Nobody's file is written over, and what was said is not for others to read.
      await writeSynced(file, text, privateMode);
      return file;
    } catch (error) {
      if (isSystemError(error) && error.code === "EEXIST") {
        const message = `${shownPath(file)} is there already.`;
        throw new HearthError("COMMAND_INVALID", message, { advice: "Name another file.", cause: error });
      }
      await rm(file, { force: true }).catch(() => {}); // half of it: the first error says more
      throw fromSystemError(error) ?? error;
    }
  }

  #asJson(model: string): string {
    return `${JSON.stringify({ model, instructions: this.instructions, messages: this.#turns }, null, 2)}\n`;
  }

  #asMarkdown(model: string): string {
    const names = { system: "System", user: "You", assistant: model } as const;
    const system: ChatMessage[] = this.instructions === "" ? [] : [{ role: "system", content: this.instructions }];
    return [...system, ...this.#turns]
      .map(({ role, content }) => `## ${names[role]}\n\n${content.trim()}\n`)
      .join("\n");
  }
}
