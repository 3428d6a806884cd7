/** The held-out sets of today's homes and of other clients, as models/spark/heldout.py writes them, and what counts as right in them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Message, Tool } from "../../src/chat/messages.js";
import type { Answer, Call } from "./client.js";
import { message, toMessage, tool } from "./dialogues.js";

const values = z.record(z.string(), z.array(z.unknown()));
const call = z.object({
  name: z.string(),
  arguments: values,
  may: values,
  /** The time that hours, minutes and seconds come to. */
  seconds: z.number().optional(),
});
const reading = z.object({
  /** The tool that has to be called first. */
  reads: z.string(),
  /** The values that it may be narrowed to. */
  filters: z.record(z.string(), z.array(z.string())),
  /** One of each list has to be in the answer, and nothing of `never`. */
  says: z.array(z.array(z.string())),
  never: z.array(z.string()),
});
const expectation = z.union([
  z.object({ answers: z.array(z.array(call)) }),
  reading,
  z.object({ idle: z.literal(true) }),
]);
const row = z.object({
  id: z.string(),
  category: z.string(),
  home: z.string().optional(),
  tools: z.array(z.string()).default([]),
  messages: z.array(message),
  expect: expectation,
});
const homesFile = z.object({
  tools: z.record(z.string(), tool),
  homes: z.record(z.string(), z.object({ system: z.string(), tools: z.array(z.string()), live: z.string() })),
});

type WantedCall = z.infer<typeof call>;
export type Reading = z.infer<typeof reading>;

export interface TodayRow {
  readonly id: string;
  readonly category: string;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly expect: z.infer<typeof expectation>;
  /** The result that Home Assistant sends when the home's states are asked for. */
  readonly live: string;
}

/** kind: today, states, tools, idle. */
export function readToday(kind: string, folder: string): TodayRow[] {
  const { tools, homes } = homesFile.parse(JSON.parse(readFileSync(path.join(folder, "homes.json"), "utf8")));
  const schema = (name: string): Tool => {
    const known = tools[name];
    if (!known) throw new Error(`homes.json has no tool ${name}`);
    return known.function;
  };
  const lines = readFileSync(path.join(folder, `${kind}.jsonl`), "utf8")
    .trim()
    .split("\n");
  return lines.map((text) => {
    const { home: key, messages, tools: named, ...rest } = row.parse(JSON.parse(text));
    const home = key === undefined ? null : homes[key];
    if (home === undefined) throw new Error(`homes.json has no ${key}`);
    const system: Message[] = home ? [{ role: "system", content: home.system }] : [];
    return {
      ...rest,
      messages: [...system, ...messages.map(toMessage)],
      tools: (home?.tools ?? named).map(schema),
      live: JSON.stringify({ data: { result: home?.live ?? "" }, error: false }),
    };
  });
}

/** Any of the answers, its calls in any order. */
export function isOneOf(answers: readonly (readonly WantedCall[])[], calls: readonly Call[] | null): boolean {
  return calls !== null && answers.some((wanted) => wanted.length === calls.length && pairUp(wanted, calls));
}

function pairUp([first, ...others]: readonly WantedCall[], calls: readonly Call[]): boolean {
  if (!first) return true;
  return calls.some((one, i) => isWanted(first, one) && pairUp(others, calls.toSpliced(i, 1)));
}

function isWanted(wanted: WantedCall, { name, arguments: given }: Call): boolean {
  const known = { ...wanted.may, ...wanted.arguments };
  const timed = wanted.seconds !== undefined;
  const args = timed ? Object.fromEntries(Object.entries(given).filter(([key]) => !units.has(key))) : given;
  return (
    name === wanted.name &&
    (!timed || secondsOf(given) === wanted.seconds) &&
    Object.keys(wanted.arguments).every((key) => key in args) &&
    Object.entries(args).every(([key, value]) => known[key]?.some((right) => isSame(key, right, value)))
  );
}

const units = new Map([
  ["hours", 3600],
  ["minutes", 60],
  ["seconds", 1],
]);

/** The time that hours, minutes and seconds come to; null where one is not a whole number, or none is said. */
function secondsOf(args: Call["arguments"]): number | null {
  const parts = [...units]
    .filter(([unit]) => unit in args)
    .map(([unit, size]) => (Number.isInteger(args[unit]) ? Number(args[unit]) * size : null));
  return parts.length > 0 && parts.every((part) => part !== null) ? parts.reduce((sum, part) => sum + part, 0) : null;
}

/** Home Assistant looks these up; all other words are somebody's own, and mean the same without an article. */
const lookedUp = ["name", "area", "floor", "domain", "device_class"];

/** Home Assistant takes names in capitals and small letters alike. */
function isSame(key: string, right: unknown, value: unknown): boolean {
  if (typeof right !== "string" || typeof value !== "string") return isDeepStrictEqual(right, value);
  const [one, other] = [right.toLowerCase(), value.trim().toLowerCase()];
  return one === other || (!lookedUp.includes(key) && withoutArticles(one) === withoutArticles(other));
}

function withoutArticles(text: string): string {
  return text
    .split(/\s+/)
    .filter((word) => !["a", "an", "the"].includes(word))
    .join(" ");
}

/** One call, for the live context, that does not leave out what was asked. */
export function readsStates({ reads, filters }: Reading, calls: readonly Call[] | null): boolean {
  const [only, ...others] = calls ?? [];
  if (only?.name !== reads || others.length > 0) return false;
  return Object.entries(only.arguments).every(([key, value]) =>
    [value].flat().some((one) => filters[key]?.some((right) => isSame(key, right, one))),
  );
}

/** The right state or value, and not its opposite. The names of what was asked are no state. */
export function tellsStates({ filters, says, never }: Reading, { text: answer, calls }: Answer): boolean {
  let text = answer.toLowerCase();
  for (const name of filters.name ?? []) text = text.replaceAll(name.toLowerCase(), " ");
  text = text.replace(/(not|n't) (on|off|open|closed|locked|unlocked)\b/g, "not");
  return (
    calls?.length === 0 &&
    says.every((words) => words.some((word) => hasWord(text, word))) &&
    !never.some((word) => hasWord(text, word))
  );
}

/** "21" is in "21 degrees" and in "21.", not in "121" or "21.5". */
function hasWord(text: string, word: string): boolean {
  const escaped = word.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\d]|\\d[.,])${escaped}(?![\\p{L}\\d]|[.,]\\d)`, "u").test(text);
}

/** Some words and no call. */
export function isIdle({ text, calls }: Answer): boolean {
  return text.trim() !== "" && calls?.length === 0;
}
