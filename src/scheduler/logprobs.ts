/** Log probabilities from logits. Pure. */
import type { TokenScore } from "./types.js";

/** The token's own, and the `count` likeliest, best first; of equals the smaller id. `logits`: [vocabulary]. */
export function logprobs(
  logits: Float32Array,
  token: number,
  count: number,
): { logprob: number; top: readonly TokenScore[] } {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const shift = max + Math.log(sum);
  const top = likeliest(logits, count).map((id) => ({ token: id, logprob: (logits[id] ?? 0) - shift }));
  return { logprob: (logits[token] ?? 0) - shift, top };
}

/** Ids of the `count` greatest logits. One pass over the vocabulary: `count` is small. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  const logitOf = (id: number | undefined) => (id === undefined ? Number.NEGATIVE_INFINITY : (logits[id] ?? 0));
  for (let id = 0; id < logits.length && count > 0; id++) {
    if (best.length === count && logitOf(id) <= logitOf(best.at(-1))) continue;
    if (best.length === count) best.pop();
    let at = best.length;
    while (at > 0 && logitOf(id) > logitOf(best[at - 1])) at--;
    best.splice(at, 0, id);
  }
  return best;
}
