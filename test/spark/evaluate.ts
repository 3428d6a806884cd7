/**
 * Measures the shipped Spark on its held-out dialogues, greedily, through our own engine and the model's own chat
 * template: `npm run spark:evaluate [-- MODEL.gguf]`. Exits with 1 when a figure is below its target.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { PromptBuilder } from "../../src/chat/prompt.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { greedySampler } from "../../src/cli/greedy.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Engine, Model } from "../../src/engine/contract.js";
import { root } from "../helpers/shared.js";
import { type Dialogue, heldOut, includes, isGoodStory, isRight, readDialogues } from "./dialogues.js";

const mostAnswerTokens = 320;
const perplexityWindow = 1024;

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
      const result = await engine.step({ chunks: [{ sequence, tokens, sample: at + size >= next.length }] });
      if (at + size >= next.length) next = result.tokens;
    }
    const token = next[0] ?? -1;
    if (ends.has(token)) break;
    drawn.push(token);
  }
  engine.closeSequence(sequence);
  return new TextDecoder().decode(model.decode(Int32Array.from(drawn), true));
}

async function answerAll(engine: Engine, model: Model, kind: string): Promise<Answered[]> {
  const prompts = new PromptBuilder(model);
  const answered: Answered[] = [];
  for (const dialogue of readDialogues(kind)) {
    const { tokens } = await prompts.build(dialogue.messages, { tools: dialogue.tools });
    answered.push({ dialogue, answer: await answer(engine, model, tokens) });
  }
  return answered;
}

/** exp of the mean negative log-likelihood of heldout/dialogues.txt, read in windows. */
async function perplexity(engine: Engine, model: Model): Promise<number> {
  const text = readFileSync(path.join(heldOut, "dialogues.txt"), "utf8");
  const ids = await new Tokenizer(model).encode(text, { addSpecial: false, parseSpecial: true });
  let loss = 0;
  let count = 0;
  for (let at = 0; at + 1 < ids.length; at += perplexityWindow) {
    const tokens = ids.slice(at, at + perplexityWindow);
    const sequence = engine.openSequence(greedySampler);
    const { logits } = await engine.step({ chunks: [{ sequence, tokens, sample: false, allLogits: true }] });
    engine.closeSequence(sequence);
    const vocabulary = logits.length / tokens.length;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      loss += logSumExp(row) - Number(row[Number(tokens[i + 1])]);
      count++;
    }
  }
  return Math.exp(loss / count);
}

function logSumExp(row: Float32Array): number {
  const most = row.reduce((a, b) => Math.max(a, b));
  return most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

let missed = false;

function report(what: string, right: number, total: number, target: number): void {
  const ok = right >= target;
  missed ||= !ok;
  console.log(`${what}: ${right} of ${total} (target ${Math.ceil(target)})${ok ? "" : "  MISSED"}`);
}

function reportRight(what: string, answered: readonly Answered[], share: number): void {
  const right = answered.filter(({ dialogue, answer }) => isRight(dialogue, answer)).length;
  report(what, right, answered.length, share * answered.length);
}

const file = process.argv[2] ?? path.join(root, "models", "spark", "spark-q8_0.gguf");
const engineModule = loadEngineModule();
const model = await engineModule.loadModel(file, { vocabularyOnly: false });
const engine = await engineModule.createEngine(model, {
  threads: 0,
  maxSequences: 1,
  contextTokens: 4096,
  kvTokens: 0,
  maxBatchTokens: perplexityWindow,
  isa: "",
});

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
console.log(`perplexity of the held-out dialogues: ${(await perplexity(engine, model)).toFixed(4)}`);
await engine.close();
process.exitCode = missed ? 1 : 0;
