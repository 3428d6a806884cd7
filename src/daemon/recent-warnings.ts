/** The newest warnings and errors of the log since the start, in words, for owners who look at a page. All of them are in the journal. */
import { parseEntry, personLine } from "./log-lines.js";

export interface LoggedWarning {
  /** Milliseconds since 1970, of the last time. */
  readonly at: number;
  readonly level: "warn" | "error" | "fatal";
  readonly text: string;
  /** How often it was said, without another one between. */
  readonly times: number;
}

const most = 20;
const longestText = 500;

export class RecentWarnings {
  readonly #kept: LoggedWarning[] = [];

  /** The newest first. */
  get list(): readonly LoggedWarning[] {
    return this.#kept.toReversed();
  }

  /** Takes a line of the log. */
  take(line: string): void {
    const entry = parseEntry(line);
    const level = entry?.level;
    if (!entry || (level !== "warn" && level !== "error" && level !== "fatal")) return;
    const text = (personLine(entry) ?? entry.msg).replace(/^(warning|error|fatal): /, "").slice(0, longestText);
    const last = this.#kept.at(-1);
    const times = last?.text === text && last.level === level ? last.times + 1 : 1;
    if (times > 1) this.#kept.pop();
    this.#kept.push({ at: Date.parse(entry.time ?? "") || 0, level, text, times });
    if (this.#kept.length > most) this.#kept.shift();
  }
}
