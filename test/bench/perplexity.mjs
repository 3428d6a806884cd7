/**
 * The perplexity of Spark's held-out dialogues by hearth and by llama.cpp, for the shipped file or any other of the same
 * vocabulary: `npm run spark:perplexity [-- MODEL.gguf ...]`. Exits with 1 when the two differ by more than 0.5 %, or cut
 * the text into other tokens.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../helpers/shared.ts";
import { heldOutText } from "../spark/dialogues.ts";
import { openModel, perplexity, windowTokens } from "../spark/perplexity.ts";
import { peerPerplexity } from "./llama-perplexity.mjs";

const largestDifference = 0.005;

async function measureHearth(file) {
  const { model, engine } = await openModel(file);
  try {
    return await perplexity(engine, model, readFileSync(heldOutText, "utf8"));
  } finally {
    await engine.close();
  }
}

const files = process.argv.slice(2);
for (const file of files.length > 0 ? files : [path.join(root, "models", "spark", "spark-q8_0.gguf")]) {
  const ours = await measureHearth(file);
  const theirs = peerPerplexity(path.resolve(file), heldOutText, windowTokens);
  const difference = ours.value / theirs.value - 1;
  const sameTokens = JSON.stringify([...ours.ids]) === JSON.stringify(theirs.ids);
  const right = sameTokens && Math.abs(difference) <= largestDifference;
  if (!right) process.exitCode = 1;
  const tokens = sameTokens ? `the same ${ours.ids.length} tokens` : "OTHER TOKENS";
  console.log(
    `${path.basename(file)}: perplexity by hearth ${ours.value.toFixed(4)}, by llama.cpp ${theirs.value.toFixed(4)}, ` +
      `${(100 * difference).toFixed(3)} % apart, on ${tokens}${right ? "" : "  MISSED"}`,
  );
}
