/**
 * The cost of a grammar by token: decoding with and without one, in turn, in one run.
 *   npm run bench:grammar -- [FILE] [--write]
 * FILE: a GGUF file; by default a synthetic llama-3.2-1b in Q4_0. `--write` writes the figures into docs/performance.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Grammar, Model } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";

const { writesSection } = await import(String(new URL("./section.mjs", import.meta.url)));
writesSection("grammar");

const rounds = 5;
const tokensARound = 24;
const warmUpTokens = 4;

const module = loadEngineModule();
const folder = mkdtempSync(path.join(tmpdir(), "hearth-grammar-"));
const model = await loadNamed(process.argv[2]);
const engine = await module.createEngine(model, {
  ...{ threads: 0, decodeThreads: 0, maxSequences: 1, contextTokens: 128, kvTokens: 0, maxBatchTokens: 32, isa: "" },
});

async function loadNamed(file = path.join(folder, "model.gguf")): Promise<Model> {
  try {
    if (file.startsWith(folder)) await module.writeSyntheticModel("llama-3.2-1b", "q4_0", file);
    return await module.loadModel(file, { vocabularyOnly: false });
  } finally {
    rmSync(folder, { recursive: true }); // its pages stay mapped
  }
}

/** A form with texts, numbers and choices, as a home's assistant is asked to fill in. */
const item = {
  type: "object",
  properties: {
    name: { type: "string" },
    area: { enum: ["kitchen", "hall", "office"] },
    brightness: { type: "integer", minimum: 0, maximum: 100 },
  },
  required: ["name", "area", "brightness"],
};
const schema = { type: "array", items: item, minItems: 20 };
const gbnf = answerGrammar({
  ...{ tools: [], family: null, several: true, begun: null, reasoning: null, inReasoning: false, specialTokens: [] },
  format: { type: "json_schema", schema, strict: true },
});
const grammar = await model.compileGrammar(gbnf ?? "");

/** Milliseconds of each token. */
async function decode(grammar: Grammar | null, seed: number): Promise<number[]> {
  const restriction = grammar ? { grammar, grammarFrom: 1 } : {};
  const sequence = engine.openSequence({ ...greedySampler, temperature: 1, seed, ...restriction });
  const times: number[] = [];
  let token = model.info.tokenizer.bos ?? 0;
  for (let n = 0; n < warmUpTokens + tokensARound; n++) {
    const began = performance.now();
    const { tokens, stopped } = await stepAlone(engine, { sequence, tokens: Int32Array.of(token), sample: true });
    if (n >= warmUpTokens) times.push(performance.now() - began);
    if (stopped) throw new Error(`The engine drew no token: ${stopped}.`);
    token = tokens[0] ?? 0;
  }
  engine.closeSequence(sequence);
  return times;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const free: number[] = [];
const held: number[] = [];
for (let round = 0; round < rounds; round++) {
  free.push(...(await decode(null, round)));
  held.push(...(await decode(grammar, round)));
}
const [without, within] = [median(free), median(held)];
const cost = within - without;
process.stdout.write(
  `model       ${model.info.architecture} ${model.info.weightType}\n` +
    `vocabulary  ${model.info.tokenizer.tokens} tokens\n` +
    `free        ${without.toFixed(3)} ms a token\n` +
    `in grammar  ${within.toFixed(3)} ms a token\n` +
    `cost        ${(cost * 1000).toFixed(0)} us a token, ${((100 * cost) / without).toFixed(1)} %\n`,
);
await engine.close();
