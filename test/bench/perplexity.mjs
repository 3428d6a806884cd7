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
import { runPeer } from "./llama-cpp.mjs";

const largestDifference = 0.005;

const peerProgram = `
import { readFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
const [modelPath, textPath, window] = process.argv.slice(2);
const size = Number(window);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath });
const ids = model.tokenize(readFileSync(textPath, "utf8"), true, "trimLeadingSpace");
const context = await model.createContext({ contextSize: size, batchSize: size });
const sequence = context.getSequence();
let loss = 0;
let count = 0;
for (let at = 0; at + 1 < ids.length; at += size) {
  const tokens = ids.slice(at, at + size);
  // The last token predicts nothing that is in the window. The options are those under which no sampler changes a logit.
  const input = tokens.slice(0, -1).map((token, i) => {
    const logits = { filter: { tokens: [tokens[i + 1]], includeTop: 1 } };
    return [token, { generateNext: { logits, totalLogitWeight: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } }];
  });
  await sequence.clearHistory();
  const outputs = await sequence.controlledEvaluate(input);
  for (const [i, { next }] of outputs.entries()) {
    const most = Math.max(...next.logits.values());
    loss += most + Math.log(next.totalLogitWeight) - next.logits.get(tokens[i + 1]);
    count++;
  }
}
console.log(JSON.stringify({ value: Math.exp(loss / count), ids }));
process.exit(0);
`;

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
  const theirs = runPeer("perplexity.mjs", peerProgram, [path.resolve(file), heldOutText, String(windowTokens)]);
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
