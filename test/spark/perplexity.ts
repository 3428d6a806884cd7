/** How well a model predicts a text, by our own engine. */
import { Tokenizer } from "../../src/chat/tokenizer.js";
import type { Engine, Model } from "../../src/engine/contract.js";
import { greedySampler } from "../../src/engine/greedy.js";

/** The text is read in windows of so many tokens, each without the ones before. */
export const windowTokens = 1024;

export interface Perplexity {
  /** exp of the mean negative log-likelihood of every token but each window's first. */
  readonly value: number;
  /** The tokens of the text. */
  readonly ids: Int32Array;
}

/** The engine's maxBatchTokens must hold a window. */
export async function perplexity(engine: Engine, model: Model, text: string): Promise<Perplexity> {
  const ids = await new Tokenizer(model).encode(text, { addSpecial: false, parseSpecial: true });
  let loss = 0;
  let count = 0;
  for (let at = 0; at + 1 < ids.length; at += windowTokens) {
    const tokens = ids.slice(at, at + windowTokens);
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
  return { value: Math.exp(loss / count), ids };
}

function logSumExp(row: Float32Array): number {
  const most = row.reduce((a, b) => Math.max(a, b));
  return most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
