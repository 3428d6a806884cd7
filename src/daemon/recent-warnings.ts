/** The newest warnings and errors of the log since the start, in words, for owners who look at a page. All of them are in the journal. */
import type { LoggedWarning } from "../api/hearth/warnings.js";
import { isBad, parseEntry, sentenceOf } from "./log-lines.js";

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
    if (!entry || !isBad(entry)) return;
    const { level } = entry;
    const text = sentenceOf(entry).slice(0, longestText);
    const last = this.#kept.at(-1);
    const times = last?.text === text && last.level === level ? last.times + 1 : 1;
    if (times > 1) this.#kept.pop();
    this.#kept.push({ at: Date.parse(entry.time ?? "") || 0, level, text, times });
    if (this.#kept.length > most) this.#kept.shift();
  }
}
