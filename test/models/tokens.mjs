/** A model's tokens and perplexity by hearth and by llama.cpp. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Tokenizer } from "../../src/chat/tokenizer.ts";
import { runPeer } from "../bench/llama-cpp.mjs";
import { peerPerplexity } from "../bench/llama-perplexity.mjs";
import { check } from "../clients/npm/check.mjs";
import { root } from "../helpers/shared.ts";
import { openModel, perplexity, windowTokens } from "../spark/perplexity.ts";
import { texts } from "./texts.ts";

/** The largest difference of the two perplexities, as a share. Their sums are taken in other orders and other precisions. */
const largestDifference = 0.005;
/** English prose that nobody edits. */
const prose = path.join(root, "LICENSE");
const proseLength = 3500;
/** Without its first token a model may be at a loss, and then the least difference in rounding counts. */
const beginning = { addSpecial: true };

const peerTokens = `
import { readFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
const [modelPath, textsPath] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath, vocabOnly: true });
const texts = JSON.parse(readFileSync(textsPath, "utf8"));
console.log(JSON.stringify(texts.map((text) => model.tokenize(text, false))));
process.exit(0);
`;

/** `folder`: for files that llama.cpp reads. */
export async function checkTokens(file, folder) {
  const { model, engine } = await openModel(file);
  try {
    await check("tokens", async () => {
      const textsFile = path.join(folder, "texts.json");
      writeFileSync(textsFile, JSON.stringify(texts));
      const theirs = runPeer("tokens.mjs", peerTokens, [file, textsFile]);
      const tokenizer = new Tokenizer(model);
      for (const [i, text] of texts.entries()) {
        const ours = await tokenizer.encode(text, { addSpecial: false, parseSpecial: false });
        assert.deepEqual([...ours], theirs[i], `other tokens for ${JSON.stringify(text)}`);
      }
      return `the same in ${texts.length} texts`;
    });

    const limitSeconds = 500;
    await check(
      "perplexity",
      async () => {
        const text = readFileSync(prose, "utf8").trim().slice(0, proseLength);
        const textFile = path.join(folder, "prose.txt");
        writeFileSync(textFile, text);
        const ours = await perplexity(engine, model, text, beginning);
        const theirs = peerPerplexity(file, textFile, windowTokens, beginning);
        assert.deepEqual([...ours.ids], theirs.ids, "the text is cut into other tokens");
        const difference = ours.value / theirs.value - 1;
        const figures = `${ours.value.toFixed(3)}, by llama.cpp ${theirs.value.toFixed(3)} (${(100 * difference).toFixed(2)} %)`;
        assert.ok(Math.abs(difference) <= largestDifference, figures);
        return `${figures} on ${ours.ids.length} tokens`;
      },
      limitSeconds,
    );
  } finally {
    await engine.close();
  }
}
