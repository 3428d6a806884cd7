/** The perplexity of a text for a model, by our own engine. */
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Engine, Model } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";

/** The text is read in windows of so many tokens, each without the ones before. */
export const windowTokens = 1024;

/** One sequence at a time, and a window in one step. The caller closes the engine. */
export async function openModel(file: string): Promise<{ model: Model; engine: Engine }> {
  const engineModule = loadEngineModule();
  const model = await engineModule.loadModel(file, { vocabularyOnly: false });
  const engine = await engineModule.createEngine(model, {
    threads: 0,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens: 8192,
    kvTokens: 0,
    maxBatchTokens: windowTokens,
    isa: "",
  });
  return { model, engine };
}

export interface Perplexity {
  /** exp of the mean negative log-likelihood of every token but each window's first. */
  readonly value: number;
  /** The tokens of the text. */
  readonly ids: Int32Array;
}

/** `addSpecial`: with the token that the model's texts begin with, if it has one. */
export async function perplexity(
  engine: Engine,
  model: Model,
  text: string,
  { addSpecial = false } = {},
): Promise<Perplexity> {
  const ids = await new Tokenizer(model).encode(text, { addSpecial, parseSpecial: true });
  let loss = 0;
  let count = 0;
  for (let at = 0; at + 1 < ids.length; at += windowTokens) {
    const tokens = ids.slice(at, at + windowTokens);
    const sequence = engine.openSequence(greedySampler);
    const { logits } = await stepAlone(engine, { sequence, tokens, sample: false, logits: "all" });
    engine.closeSequence(sequence);
    const vocabulary = logits.length / tokens.length;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      loss += logSumExp(row) - Number(row[Number(tokens[i + 1])]);
      count++;
    }
  }
  return { value: Math.exp(loss / count), ids };
}

function logSumExp(row: Float32Array): number {
  const most = row.reduce((a, b) => Math.max(a, b));
  return most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
