/**
 * Measures the shipped Spark on its held-out dialogues, greedily, through our own engine and the model's own chat
 * template: `npm run spark:evaluate [-- MODEL.gguf] [--failures] [--data FOLDER] [--only SET,SET]`, where FOLDER is another set that
 * models/spark/heldout.py wrote, and a SET is commands, refusals, questions, stories, today, states, tools, idle or perplexity. Exits with 1 when a figure is below its target.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Message } from "../../src/chat/messages.js";
import { PromptBuilder } from "../../src/chat/prompt.js";
import type { Engine, Model } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { root } from "../helpers/shared.js";
import { type Dialogue, heldOut, heldOutText, includes, isGoodStory, isRight, readDialogues } from "./dialogues.js";
import { openModel, perplexity } from "./perplexity.js";
import { isIdle, isOneOf, readCalls, readsStates, readToday, type TodayRow, tellsStates } from "./today.js";

const mostAnswerTokens = 320;

/** Of every category of the set "today". */
const todayShare = 0.85;

/** The other sets of today: what is reported, and how many of them are to be right. */
const todaySets = [
  ["states", "questions that need the live context", 85],
  ["tools", "calls of unseen tools", 160],
  ["idle", "requests with nothing to do, no call", 196],
] as const;

interface Answered {
  readonly dialogue: Dialogue;
  readonly answer: string;
}

async function answer(engine: Engine, model: Model, prompt: Int32Array): Promise<string> {
  const ends = new Set(model.info.tokenizer.endOfGeneration);
  const sequence = engine.openSequence(greedySampler);
  const drawn: number[] = [];
  let next = prompt;
  while (drawn.length < mostAnswerTokens) {
    const size = engine.options.maxBatchTokens;
    for (let at = 0; at < next.length; at += size) {
      const tokens = next.subarray(at, at + size);
      const result = await stepAlone(engine, { sequence, tokens, sample: at + size >= next.length });
      if (at + size >= next.length) next = result.tokens;
    }
    const [token] = next;
    if (token === undefined || ends.has(token)) break;
    drawn.push(token);
  }
  engine.closeSequence(sequence);
  return new TextDecoder().decode(model.decode(Int32Array.from(drawn), true));
}

async function answerAll(engine: Engine, model: Model, kind: string): Promise<Answered[]> {
  const prompts = await PromptBuilder.open(model);
  const answered: Answered[] = [];
  for (const dialogue of readDialogues(kind, options.data)) {
    const { tokens } = await prompts.build(dialogue.messages, { tools: dialogue.tools });
    answered.push({ dialogue, answer: await answer(engine, model, tokens) });
  }
  return answered;
}

interface Judged {
  readonly row: TodayRow;
  readonly right: boolean;
  readonly answers: readonly string[];
}

/** A question on states goes on after the call: the states are sent, and the answer is judged. */
async function judge(engine: Engine, model: Model, prompts: PromptBuilder, row: TodayRow): Promise<Judged> {
  const { expect, messages, tools } = row;
  const { tokens, toolNames } = await prompts.build(messages, { tools });
  const first = await answer(engine, model, tokens);
  if ("idle" in expect) return { row, right: isIdle(first), answers: [first] };
  const calls = readCalls(first, (name) => toolNames.given(name));
  if ("answers" in expect) return { row, right: isOneOf(expect.answers, calls), answers: [first] };
  if (!calls || !readsStates(expect, calls)) return { row, right: false, answers: [first] };
  const toolCalls = calls.map(({ name, arguments: args }, i) => ({
    id: `call_${i}`,
    name,
    arguments: JSON.stringify(args),
  }));
  const read: Message[] = [
    { role: "assistant", content: "", toolCalls },
    { role: "tool", content: row.live, toolCallId: "call_0" },
  ];
  const next = await prompts.build([...messages, ...read], { tools });
  const second = await answer(engine, model, next.tokens);
  return { row, right: tellsStates(expect, second), answers: [first, second] };
}

async function judgeAll(engine: Engine, model: Model, kind: string): Promise<Judged[]> {
  const prompts = await PromptBuilder.open(model);
  const judged: Judged[] = [];
  for (const row of readToday(kind, options.data)) judged.push(await judge(engine, model, prompts, row));
  return judged;
}

function reportJudged(what: string, judged: readonly Judged[], target: number): void {
  report(what, judged.filter(({ right }) => right).length, judged.length, target);
  if (!options.failures) return;
  for (const { row, answers } of judged.filter(({ right }) => !right)) {
    const text = JSON.stringify(row.messages.at(-1)?.content);
    console.log(`  ${row.id} ${row.category} ${text}\n    wanted ${JSON.stringify(row.expect)}`);
    console.log(`    got ${answers.map((one) => JSON.stringify(one)).join("\n    then ")}`);
  }
}

function byCategory(judged: readonly Judged[]): (readonly [string, Judged[]])[] {
  const categories = [...new Set(judged.map(({ row }) => row.category))];
  return categories.map((name) => [name, judged.filter(({ row }) => row.category === name)]);
}

/** How many of each category, in one line. */
function sayCategories(judged: readonly Judged[]): void {
  const counts = byCategory(judged).map(
    ([name, all]) => `${name} ${all.filter(({ right }) => right).length}/${all.length}`,
  );
  console.log(`  ${counts.join(", ")}`);
}

let missed = false;

function report(what: string, right: number, total: number, target: number): void {
  const ok = right >= target;
  missed ||= !ok;
  console.log(`${what}: ${right} of ${total} (target ${Math.ceil(target)})${ok ? "" : "  MISSED"}`);
}

function reportRight(what: string, answered: readonly Answered[], share: number): void {
  const wrong = answered.filter(({ dialogue, answer }) => !isRight(dialogue, answer));
  report(what, answered.length - wrong.length, answered.length, share * answered.length);
  if (options.failures) for (const { dialogue, answer } of wrong) showFailure(dialogue, answer);
}

function showFailure({ id, messages, expect }: Dialogue, answer: string): void {
  console.log(
    `  ${id} ${JSON.stringify(messages.at(-1)?.content)}\n    wanted ${JSON.stringify(expect)}\n    got ${JSON.stringify(answer)}`,
  );
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    failures: { type: "boolean", default: false },
    data: { type: "string", default: heldOut },
    only: { type: "string" },
  },
});
const file = positionals[0] ?? path.join(root, "models", "spark", "spark-q8_0.gguf");
const { model, engine } = await openModel(file);

const isAsked = (set: string): boolean => options.only === undefined || options.only.split(",").includes(set);

if (isAsked("commands")) {
  const commands = await answerAll(engine, model, "commands");
  reportRight("commands, exact calls", commands, 0.95);
  reportRight(
    "commands on made-up names",
    commands.filter(({ dialogue }) => dialogue.madeUp),
    0.9,
  );
}
if (isAsked("refusals")) reportRight("refusals and results in words", await answerAll(engine, model, "refusals"), 0.9);
if (isAsked("questions")) reportRight("questions about hearthd", await answerAll(engine, model, "questions"), 0.9);
if (isAsked("stories")) {
  const stories = await answerAll(engine, model, "stories");
  const named = stories.filter(({ dialogue, answer }) => includes(answer, dialogue.expect.subject ?? ""));
  const sound = stories.filter(({ answer }) => isGoodStory(answer));
  report("stories that name their subject", named.length, stories.length, 0.9 * stories.length);
  report("stories without loops", sound.length, stories.length, stories.length);
}
if (isAsked("today")) {
  for (const [category, judged] of byCategory(await judgeAll(engine, model, "today"))) {
    reportJudged(`commands of today, ${category}`, judged, todayShare * judged.length);
  }
}
for (const [set, what, target] of todaySets.filter(([name]) => isAsked(name))) {
  const judged = await judgeAll(engine, model, set);
  reportJudged(what, judged, target);
  sayCategories(judged);
}
if (isAsked("perplexity")) {
  const { value } = await perplexity(engine, model, readFileSync(heldOutText, "utf8"));
  console.log(`perplexity of the held-out dialogues: ${value.toFixed(4)}`);
}
await engine.close();
process.exitCode = missed ? 1 : 0;
