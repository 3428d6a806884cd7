/**
 * Measures the shipped Spark on its held-out dialogues, greedily, through our own engine and the model's own chat
 * template: `npm run spark:evaluate [-- MODEL.gguf] [--failures] [--data FOLDER]`, where FOLDER is another set that
 * models/spark/heldout.py wrote. Exits with 1 when a figure is below its target.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { PromptBuilder } from "../../src/chat/prompt.js";
import type { Engine, Model } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { root } from "../helpers/shared.js";
import { type Dialogue, heldOut, heldOutText, includes, isGoodStory, isRight, readDialogues } from "./dialogues.js";
import { openModel, perplexity } from "./perplexity.js";

const mostAnswerTokens = 320;

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
  options: { failures: { type: "boolean", default: false }, data: { type: "string", default: heldOut } },
});
const file = positionals[0] ?? path.join(root, "models", "spark", "spark-q8_0.gguf");
const { model, engine } = await openModel(file);

const commands = await answerAll(engine, model, "commands");
reportRight("commands, exact calls", commands, 0.95);
reportRight(
  "commands on made-up names",
  commands.filter(({ dialogue }) => dialogue.madeUp),
  0.9,
);
reportRight("refusals and results in words", await answerAll(engine, model, "refusals"), 0.9);
reportRight("questions about hearthd", await answerAll(engine, model, "questions"), 0.9);
const stories = await answerAll(engine, model, "stories");
const named = stories.filter(({ dialogue, answer }) => includes(answer, dialogue.expect.subject ?? ""));
const sound = stories.filter(({ answer }) => isGoodStory(answer));
report("stories that name their subject", named.length, stories.length, 0.9 * stories.length);
report("stories without loops", sound.length, stories.length, stories.length);
const { value } = await perplexity(engine, model, readFileSync(heldOutText, "utf8"));
console.log(`perplexity of the held-out dialogues: ${value.toFixed(4)}`);
await engine.close();
process.exitCode = missed ? 1 : 0;
