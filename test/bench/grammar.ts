/**
 * The cost of a grammar by token: decoding with and without one, in turn, in one run.
 *   npm run bench:grammar -- FILE
 */
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Grammar } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";

const rounds = 5;
const tokensARound = 24;
const warmUpTokens = 4;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("Give a GGUF file.");
const module = loadEngineModule();
const model = await module.loadModel(file, { vocabularyOnly: false });
const engine = await module.createEngine(model, {
  ...{ threads: 0, decodeThreads: 0, maxSequences: 1, contextTokens: 128, kvTokens: 0, maxBatchTokens: 32, isa: "" },
});

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
  `vocabulary  ${model.info.tokenizer.tokens} tokens\n` +
    `free        ${without.toFixed(3)} ms a token\n` +
    `in grammar  ${within.toFixed(3)} ms a token\n` +
    `cost        ${(cost * 1000).toFixed(0)} us a token, ${((100 * cost) / without).toFixed(1)} %\n`,
);
await engine.close();
