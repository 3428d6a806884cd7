/** Formats of the commands' figures, tables and the progress of long work. */
import { formatBytes } from "../base/figures.js";
import type { OnProgress, StoreProgress } from "../store/progress.js";

export { formatBytes };

/** `1.2 B`, `135 M`: parameters as model names give them. */
export function formatCount(count: number): string {
  for (const [unit, size] of [
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (count >= size) return `${(count / size).toFixed(count / size < 10 ? 2 : count / size < 100 ? 1 : 0)} ${unit}`;
  }
  return String(count);
}

/** Columns as wide as their widest cell, two spaces apart. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Text of other people's files, without characters that could control a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

export interface ProgressOptions {
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly json: boolean;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
}

const verbs = {
  resolve: "asking",
  download: "downloading",
  verify: "verifying",
  copy: "copying",
  convert: "converting",
  quantize: "quantizing",
} as const;
/** How often a bar is drawn, and how often a line is printed where there is no terminal. */
const barMs = 100;
const lineMs = 5000;

/** Draws a bar on a terminal, and prints a line now and then elsewhere; with --json each line is an object. */
export class ProgressPrinter {
  readonly #options: ProgressOptions;
  #phase = "";
  #shownAt = 0;
  #speed: Speed | null = null;
  #barShown = false;
  #said = "";
  #saidAt = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  readonly show: OnProgress = (progress) => {
    const { stream, json, now } = this.#options;
    const isBar = stream.isTTY === true && !json;
    const isNew = progress.phase !== this.#phase;
    const isDone = progress.total > 0 && progress.completed >= progress.total;
    if (isNew) {
      this.#speed = new Speed(now(), progress.completed);
      if (isBar) this.end();
    }
    this.#phase = progress.phase;
    if (progress.retrying !== undefined) return this.#say(progress);
    if (!isNew && !isDone && now() - this.#shownAt < (isBar ? barMs : lineMs)) return;
    this.#shownAt = now();
    const perSecond = this.#speed?.at(now(), progress.completed) ?? 0;
    if (json) stream.write(`${JSON.stringify({ ...progress, bytesPerSecond: Math.round(perSecond) })}\n`);
    else if (isBar) stream.write(`\r\x1b[K${describe(progress, perSecond, stream.columns ?? 80)}`);
    else stream.write(`${describe(progress, perSecond, 0)}\n`);
    this.#barShown = isBar;
  };

  /** A line of its own, now and then: several connections may fail for one reason many times a second. */
  #say(progress: StoreProgress): void {
    const { stream, json, now } = this.#options;
    const text = `${verbs[progress.phase]}: ${printable(progress.retrying ?? "")}; trying again\n`;
    const isKnown = text === this.#said && now() - this.#saidAt < lineMs;
    if (isKnown) return;
    this.#said = text;
    this.#saidAt = now();
    this.end();
    stream.write(json ? `${JSON.stringify(progress)}\n` : text);
  }

  /** Leaves the bar's line; call it before anything else is printed. */
  end(): void {
    if (this.#barShown) this.#options.stream.write("\n");
    this.#barShown = false;
  }
}

/** Bytes a second over the last seconds. */
class Speed {
  #samples: { at: number; bytes: number }[];

  constructor(at: number, bytes: number) {
    this.#samples = [{ at, bytes }];
  }

  at(now: number, bytes: number): number {
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) > 5000) this.#samples.shift();
    const [first] = this.#samples;
    return first && now > first.at ? (1000 * (bytes - first.bytes)) / (now - first.at) : 0;
  }
}

/** `columns` 0: without a bar. */
function describe({ phase, completed, total }: StoreProgress, perSecond: number, columns: number): string {
  const verb = verbs[phase];
  if (total === 0) return completed === 0 ? `${verb} ...` : `${verb} ${formatBytes(completed)}`;
  const share = Math.min(1, completed / total);
  const percent = `${Math.floor(100 * share)} %`;
  const left = perSecond > 0 && completed < total ? `, ${formatSeconds((total - completed) / perSecond)} left` : "";
  const speed = perSecond > 0 ? ` ${formatBytes(perSecond)}/s${left}` : "";
  const text = `${percent.padStart(columns > 0 ? 5 : 0)} of ${formatBytes(total)}${speed}`;
  const width = Math.min(40, columns - verb.length - text.length - 5);
  if (width < 5) return `${verb} ${text}`;
  const filled = Math.round(width * share);
  return `${verb} [${"#".repeat(filled)}${" ".repeat(width - filled)}] ${text}`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
