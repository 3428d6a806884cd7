/** The messages that were typed into `hearth chat`, kept for the arrow keys of later runs in a file that only its user can read. */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isMissing, reasonOf } from "../base/files.js";

type Environment = Readonly<Record<string, string | undefined>>;

const mostMessages = 1000;
/** A longer message is not typed again. */
const longestMessage = 4000;
/** The file is written anew when it holds so many lines more than are used. */
const slack = 200;
const longestFile = 16 * 1024 * 1024;
const fileMode = 0o600;

/** The folder for state of programs of the user (XDG), below it. null: this user has no home. */
export function historyFile(env: Environment): string | null {
  const given = env.XDG_STATE_HOME && path.isAbsolute(env.XDG_STATE_HOME) ? env.XDG_STATE_HOME : null;
  const folder = given ?? (env.HOME && path.isAbsolute(env.HOME) ? path.join(env.HOME, ".local", "state") : null);
  return folder === null ? null : path.join(folder, "hearth", "chat-history");
}

export class ChatHistory {
  readonly #file: string | null;
  /** The newest first. */
  #messages: string[] = [];
  #lines = 0;

  /** null: kept for this run alone. */
  constructor(file: string | null) {
    this.#file = file;
  }

  get messages(): readonly string[] {
    return this.#messages;
  }

  /** The reason why nothing could be read; null where all is well, and where there is no file yet. */
  load(): string | null {
    if (this.#file === null) return null;
    try {
      if (statSync(this.#file).size > longestFile) return `${this.#file} is too long`;
      const lines = readFileSync(this.#file, "utf8").split("\n");
      // Each line is JSON, for messages have lines of their own.
      const messages = lines.flatMap((line) => messageIn(line) ?? []);
      this.#lines = messages.length;
      this.#messages = messages.slice(-mostMessages).reverse();
      return null;
    } catch (error) {
      return isMissing(error) ? null : `${this.#file}: ${reasonOf(error)}`;
    }
  }

  /** The reason why it could not be kept for later runs; null where all is well. */
  add(message: string): string | null {
    if (message === this.#messages[0] || message.length > longestMessage) return null;
    this.#messages.unshift(message);
    this.#messages.length = Math.min(this.#messages.length, mostMessages);
    if (this.#file === null) return null;
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      if (this.#lines > mostMessages + slack) this.#rewrite(this.#file);
      else appendFileSync(this.#file, `${JSON.stringify(message)}\n`, { mode: fileMode });
      chmodSync(this.#file, fileMode); // an older file may be readable for others
      this.#lines++;
      return null;
    } catch (error) {
      return `${this.#file}: ${reasonOf(error)}`;
    }
  }

  #rewrite(file: string): void {
    const text = this.#messages.toReversed().map((message) => `${JSON.stringify(message)}\n`);
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, text.join(""), { mode: fileMode });
    renameSync(fresh, file);
    this.#lines = this.#messages.length - 1;
  }
}

function messageIn(line: string): string | null {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === "string" && message.length <= longestMessage ? message : null;
  } catch {
    return null;
  }
}
