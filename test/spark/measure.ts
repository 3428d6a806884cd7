/** The held-out sets, asked one row after the other: which answers are right. */
import type { Message, Tool } from "../../src/chat/messages.js";
import { type Answer, ask, type Call } from "./client.js";
import { type Dialogue, isGoodStory, isRight, namesSubject, readDialogues } from "./dialogues.js";
import { isIdle, isOneOf, readsStates, readToday, type TodayRow, tellsStates } from "./today.js";

export const firstSets = ["commands", "refusals", "questions", "stories"] as const;
export const todaySets = ["today", "states", "tools", "idle"] as const;

/** A row of a set, before it is asked. */
interface Task {
  readonly set: string;
  readonly row: Dialogue | TodayRow;
  /** Rows with the same beginning are asked one after the other, so that it is read once. */
  readonly beginning: string;
  readonly judge: (url: string) => Promise<{ right: boolean; answers: readonly Answer[] }>;
}

export interface Judged {
  readonly set: string;
  readonly row: Dialogue | TodayRow;
  readonly right: boolean;
  readonly answers: readonly Answer[];
}

/** Asks two rows at a time. `folder` is one that models/spark/heldout.py wrote. */
export async function measure(url: string, sets: readonly string[], folder: string): Promise<Judged[]> {
  const tasks = [
    ...firstSets.filter((set) => sets.includes(set)).flatMap((set) => firstTasks(set, folder)),
    ...todaySets.filter((set) => sets.includes(set)).flatMap((set) => todayTasks(set, folder)),
  ];
  const groups = [...grouped(tasks, ({ beginning }) => beginning).values()];
  const judged: Judged[] = [];
  const askAll = async () => {
    for (let group = groups.shift(); group; group = groups.shift()) {
      for (const { set, row, judge } of group) judged.push({ set, row, ...(await judge(url)) });
    }
  };
  await Promise.all([askAll(), askAll()]);
  return judged;
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

function beginningOf(messages: readonly Message[], tools: readonly Tool[]): string {
  return JSON.stringify([messages[0]?.role === "system" && messages[0].content, tools.map(({ name }) => name)]);
}

function firstTasks(set: string, folder: string): Task[] {
  return readDialogues(set, folder).map((row) => ({
    set,
    row,
    beginning: beginningOf(row.messages, row.tools),
    async judge(url) {
      const answer = await ask(url, row.messages, row.tools);
      return { right: isRight(row, answer), answers: [answer] };
    },
  }));
}

function todayTasks(set: string, folder: string): Task[] {
  return readToday(set, folder).map((row) => ({
    set,
    row,
    beginning: beginningOf(row.messages, row.tools),
    judge: (url) => judgeToday(url, row),
  }));
}

/** A question on states goes on after the call: the states are sent, and the answer is judged. */
async function judgeToday(
  url: string,
  { expect, messages, tools, live }: TodayRow,
): Promise<Omit<Judged, "set" | "row">> {
  const first = await ask(url, messages, tools);
  if ("idle" in expect) return { right: isIdle(first), answers: [first] };
  if ("answers" in expect) return { right: isOneOf(expect.answers, first.calls), answers: [first] };
  if (!first.calls || !readsStates(expect, first.calls)) return { right: false, answers: [first] };
  const second = await ask(url, [...messages, ...withResult(first.calls, live)], tools);
  return { right: tellsStates(expect, second), answers: [first, second] };
}

function withResult(calls: readonly Call[], result: string): Message[] {
  const toolCalls = calls.map(({ name, arguments: args }, i) => ({
    id: `call_${i}`,
    name,
    arguments: JSON.stringify(args),
  }));
  return [
    { role: "assistant", content: "", toolCalls },
    { role: "tool", content: result, toolCallId: "call_0" },
  ];
}

/** A line of the table: how many of some rows are right, and how many are to be. */
export interface Figure {
  readonly what: string;
  readonly right: number;
  readonly total: number;
  readonly target: number;
}

const shares: Readonly<Record<string, number>> = {
  commands: 0.95,
  refusals: 0.9,
  questions: 0.9,
  states: 0.85,
  tools: 0.8,
  idle: 0.98,
};
const todayShare = 0.85;
const names: Readonly<Record<string, string>> = {
  commands: "commands, the exact calls",
  refusals: "refusals, and results in words",
  questions: "questions about hearthd",
  states: "questions on the states of a home",
  tools: "calls of tools that training never saw",
  idle: "nothing to do: words and no call",
};

/** The figures of the sets that were asked. */
export function figures(judged: readonly Judged[]): Figure[] {
  return [...firstSets, ...todaySets].flatMap((set) => {
    const rows = judged.filter((one) => one.set === set);
    if (rows.length === 0) return [];
    if (set === "stories") return storyFigures(rows);
    if (set === "today") {
      const categories = grouped(rows, ({ row }) => ("category" in row ? row.category : ""));
      return [...categories].map(([category, some]) => figure(`home of today: ${category}`, some, todayShare));
    }
    const all = figure(names[set] ?? set, rows, shares[set] ?? 1);
    const madeUp = rows.filter(({ row }) => "madeUp" in row && row.madeUp);
    return set === "commands" ? [all, figure("of these on made-up names", madeUp, 0.9)] : [all];
  });
}

function figure(what: string, rows: readonly { readonly right: boolean }[], share: number): Figure {
  const target = Math.ceil(share * rows.length - 1e-9);
  return { what, right: rows.filter(({ right }) => right).length, total: rows.length, target };
}

function storyFigures(rows: readonly Judged[]): Figure[] {
  const text = ({ answers }: Judged) => answers[0]?.text ?? "";
  const named = rows.map((one) => ({ right: "madeUp" in one.row && namesSubject(one.row, text(one)) }));
  const sound = rows.map((one) => ({ right: isGoodStory(text(one)) }));
  return [figure("stories that name their subject", named, 0.9), figure("stories without a loop", sound, 1)];
}
