/**
 * Measures hearth against llama.cpp on the same synthetic model, in turn, in one run: `node test/bench/peer.mjs
 * [SHAPE:TYPE] [-p TOKENS] [-n TOKENS] [-t THREADS] [-r ROUNDS]`. Prints medians and the median of the rounds' ratios: a
 * shared machine drifts, a pair of runs drifts together.
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run, runPeer } from "./llama-cpp.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const hearth = path.join(root, "dist", "cli", "main.js");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefill: { type: "string", short: "p", default: "256" },
    decode: { type: "string", short: "n", default: "64" },
    threads: { type: "string", short: "t", default: "2" },
    rounds: { type: "string", short: "r", default: "5" },
  },
});
const [synthetic = "llama-3.2-1b:q4_0"] = positionals;
if (positionals.length > 1) throw new Error("One model a run: give one SHAPE:TYPE.");
const model = path.join(tmpdir(), `hearth-bench-${synthetic.replace(":", "-")}.gguf`);

/** One process a measurement, so that neither side's threads or memory are there while the other runs. */
const peerProgram = `
import { getLlama } from "node-llama-cpp";
const [modelPath, prefill, decode, threads] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath, useMmap: true });
const context = await model.createContext({ contextSize: Number(prefill) + Number(decode) + 64, batchSize: 512, threads: Number(threads) });
const sequence = context.getSequence();
const prompt = Array.from({ length: Number(prefill) }, (_, i) => 10 + ((i * 7919) % 1000));
await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, 8));
await sequence.clearHistory();
let started = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(prompt);
const prefillMs = performance.now() - started;
let count = 0;
for await (const _ of sequence.evaluate([11], { temperature: 0, yieldEogToken: true })) {
  if (count === 0) started = performance.now();
  if (count++ === Number(decode)) break;
}
const decodeMs = performance.now() - started;
console.log(JSON.stringify({ prefill: (1000 * prefill) / prefillMs, decode: (1000 * decode) / decodeMs }));
process.exit(0);
`;

function measurePeer() {
  return runPeer("speed.mjs", peerProgram, [model, values.prefill, values.decode, values.threads]);
}

function measureHearth() {
  const lengths = ["-p", values.prefill, "-n", values.decode, "-t", values.threads];
  const result = JSON.parse(run(process.execPath, [hearth, "bench", model, ...lengths, "-r", "1", "--json"]));
  const readShare = (result.decode.tokensPerSecond * result.decode.bytesPerToken) / result.memory.readBytesPerSecond;
  return { prefill: result.prefill.tokensPerSecond, decode: result.decode.tokensPerSecond, readShare };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

try {
  run(process.execPath, [hearth, "bench", "--synthetic", synthetic, "--save", model, "-p", "0", "-n", "1", "-r", "1"]);
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    ours: measureHearth(),
    theirs: measurePeer(),
  }));
  for (const what of ["prefill", "decode"]) {
    const ours = median(rounds.map((round) => round.ours[what])).toFixed(1);
    const theirs = median(rounds.map((round) => round.theirs[what])).toFixed(1);
    const ratio = median(rounds.map((round) => round.ours[what] / round.theirs[what])).toFixed(2);
    console.log(`${what.padEnd(8)} hearth ${ours} tokens/s, llama.cpp ${theirs} tokens/s, ratio ${ratio}`);
  }
  const share = median(rounds.map((round) => round.ours.readShare));
  console.log(`decode reads at ${(100 * share).toFixed(0)} % of the read bandwidth measured in the same run`);
} finally {
  rmSync(model, { force: true });
}
