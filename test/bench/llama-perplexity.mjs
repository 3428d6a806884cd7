/** The perplexity of a text by llama.cpp. */
import { runPeer } from "./llama-cpp.mjs";

const peerProgram = `
import { readFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
const [modelPath, textPath, window, addSpecial] = process.argv.slice(2);
const size = Number(window);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath });
const ids = model.tokenize(readFileSync(textPath, "utf8"), true, "trimLeadingSpace");
if (addSpecial === "true" && model.tokens.shouldPrependBosToken) ids.unshift(model.tokens.bos);
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

/**
 * `value` and the `ids` of the tokens of a file's text, read in windows of `windowTokens`, each without the ones before; with `addSpecial` the
 * first begins with the token that the model's texts begin with.
 */
export function peerPerplexity(modelFile, textFile, windowTokens, { addSpecial = false } = {}) {
  return runPeer("perplexity.mjs", peerProgram, [modelFile, textFile, String(windowTokens), String(addSpecial)]);
}
