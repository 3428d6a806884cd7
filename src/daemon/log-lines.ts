/**
 * Lines of the log in words for a person: who asked, how much was read and written, and what is wrong. Pure. Others' words stand in them
 * as they are: whoever shows them makes them harmless.
 */
import * as z from "zod";

const entrySchema = z.looseObject({ level: z.string(), msg: z.string(), time: z.string().optional() });
export type LogEntry = z.infer<typeof entrySchema>;

/** null: the line is no entry of the daemon's log. */
export function parseEntry(line: string): LogEntry | null {
  // The journal has taken the priority away; a copy of the output has not.
  const text = line.replace(/^<\d>/, "");
  if (!text.startsWith("{")) return null;
  try {
    return entrySchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Told by others, or in one command: of no use to whoever watches. */
const quiet: ReadonlySet<string> = new Set(["request", "turn", "configuration", "healthy", "told to stop"]);

/** null: nothing that a person wants to see. */
export function personLine(entry: LogEntry): string | null {
  const { msg, level } = entry;
  if (sentences[msg]) return sentenceOf(entry);
  if (isBad(entry)) return `${level === "warn" ? "warning" : level}: ${sentenceOf(entry)}`;
  return level !== "info" || quiet.has(msg) ? null : sentenceOf(entry);
}

export function isBad({ level }: LogEntry): boolean {
  return ["warn", "error", "fatal"].includes(level);
}

/** The entry in words, whatever its level. */
export function sentenceOf(entry: LogEntry): string {
  const { msg } = entry;
  const own = sentences[msg]?.(entry);
  if (own !== undefined) return own;
  const why = text(entry.reason) || text((entry.err as { message?: unknown } | undefined)?.message);
  const code = text(entry.code);
  const about = text(entry.model) || text(entry.file) || text(entry.from);
  const parts = [msg, about && ` (${about})`, (code || why) && ": ", code, code && why && ": ", why];
  return parts.join("");
}

/** The local time of an entry, `12:03:11`, with the day where that is another one than of `now`. */
export function entryTime({ time }: LogEntry, now: Date): string {
  const at = time === undefined ? null : new Date(time);
  if (!at || Number.isNaN(at.getTime())) return "";
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (at.toDateString() === now.toDateString()) return clock;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

const sentences: Readonly<Record<string, (entry: LogEntry) => string>> = {
  answered: ({ caller, model, promptTokens, cachedTokens, generatedTokens, waitMs, promptMs, generateMs }) => {
    const known = number(cachedTokens) > 0 ? ` (${number(cachedTokens)} known)` : "";
    const seconds = (number(waitMs) + number(promptMs) + number(generateMs)) / 1000;
    const waited = number(waitMs) >= 1000 ? `, of them ${(number(waitMs) / 1000).toFixed(1)} in the queue` : "";
    const speed =
      number(generateMs) > 0 && number(generatedTokens) > 1
        ? 1000 / (number(generateMs) / (number(generatedTokens) - 1))
        : 0;
    const rate = speed > 0 ? `; ${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tokens/s` : "";
    return `${text(caller) || "somebody"} asked ${text(model)}: read ${number(promptTokens)} tokens${known}, wrote ${number(generatedTokens)} in ${seconds.toFixed(1)} s${waited}${rate}`;
  },
  "not answered": ({ caller, model, code }) =>
    `${text(caller) || "somebody"} asked ${text(model)} in vain: ${text(code)}`,
  "the client left": ({ caller, model }) => `${text(caller) || "somebody"} left before ${text(model)} had answered`,
  refused: ({ from, code, reason, times }) => {
    const often = number(times) > 1 ? `, ${number(times)} times` : "";
    return `refused ${text(from) || "somebody"}${often}: ${text(code)}: ${text(reason)}`;
  },
  listening: ({ address }) => `listening on ${text(address)}`,
  "the model is ready": ({ model, weightType, architecture, isa, loadMs }) =>
    `${text(model)} is ready: ${text(weightType)} ${text(architecture)}, ${text(isa)}, loaded in ${(number(loadMs) / 1000).toFixed(1)} s`,
};

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
