/**
 * Measures hearth against llama.cpp on the same files, in turn: `npm run bench:peer -- [SHAPE:TYPE or NAME ...] [-p TOKENS] [-n TOKENS]
 * [-t THREADS] [-r PAIRS] [--write]`. llama.cpp is timed in C, by llama_decode alone; of hearth it is the steps of `hearth bench`. Each
 * measurement is a process of its own, and they take turns: a shared machine drifts, and a pair of runs drifts together. Prints medians,
 * and of the pairs' ratios the median, the least and the most. `--write` writes the table into docs/performance.md.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isBusy, load, provenance, writeSection } from "../helpers/sections.mjs";
import { fetchModel } from "../models/fetch.mjs";
import { hearth, median, writeSynthetic } from "./daemon.mjs";
import { peerSpeed, peerVersion, run } from "./llama-cpp.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** Random weights in a published shape, or the name of a real model. */
const usual = [
  "llama-3.2-1b:q4_0",
  "llama-3.2-1b:q4_k",
  "llama-3.2-1b:q6_k",
  "llama-3.2-1b:q8_0",
  "qwen3-0.6b:q4_k",
  "gemma3-1b:q4_0",
  "smollm2-135m",
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefill: { type: "string", short: "p", default: "512" },
    decode: { type: "string", short: "n", default: "32" },
    threads: { type: "string", short: "t", default: String(availableParallelism()) },
    pairs: { type: "string", short: "r", default: "7" },
    write: { type: "boolean", default: false },
  },
});
const names = positionals.length > 0 ? positionals : usual;
const pairs = Number(values.pairs);
const folder = mkdtempSync(path.join(tmpdir(), "hearth-peer-"));
/** hearth's own state, so that what it measures of this machine is measured now, and once. */
const env = { ...process.env, HEARTH_STATE: path.join(folder, "state") };

async function modelFile(name) {
  if (!name.includes(":")) return existsSync(name) ? name : fetchModel(root, name, path.join(folder, "fetch.log"));
  const file = path.join(folder, "model.gguf");
  writeSynthetic(name, file);
  return file;
}

function ours(file) {
  const lengths = ["-p", values.prefill, "-n", values.decode, "-t", values.threads];
  const args = [hearth, "bench", file, ...lengths, "-r", "1", "--json"];
  const { type, prefill, decode, memory } = JSON.parse(run(process.execPath, args, { env }));
  const share = (decode.tokensPerSecond * decode.bytesPerToken) / memory.readBytesPerSecond;
  return { type, prefill: prefill.tokensPerSecond, decode: decode.tokensPerSecond, share };
}

function theirs(file) {
  return peerSpeed(file, { prefill: values.prefill, decode: values.decode, threads: values.threads });
}

/** Every second pair begins with the other one: the first one's warming up must not always serve the same. */
function measurePairs(file) {
  ours(file); // measures the kernels, and brings the file into memory
  return Array.from({ length: pairs }, (_, i) => {
    if (i % 2 === 0) return { ours: ours(file), theirs: theirs(file) };
    const first = theirs(file);
    return { theirs: first, ours: ours(file) };
  });
}

/** `ours`, `theirs` and the ratio with its range, as the table has them. */
function compare(measured, what) {
  const of = (side) => median(measured.map((pair) => pair[side][what]));
  const ratios = measured.map((pair) => pair.ours[what] / pair.theirs[what]);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
  return [of("ours").toFixed(1), of("theirs").toFixed(1), `${median(ratios).toFixed(2)} (${least} to ${most})`];
}

function row(name, measured) {
  const [shape] = name.split(":");
  const share = Math.round(100 * median(measured.map((pair) => pair.ours.share)));
  const label = `${path.basename(shape, ".gguf")} ${measured[0].ours.type}`;
  return [label, ...compare(measured, "prefill"), ...compare(measured, "decode"), `${share} %`];
}

const heading = [
  [
    "",
    `prefill, ${values.prefill} tokens`,
    "llama.cpp",
    "ratio",
    `decode, ${values.decode} tokens`,
    "llama.cpp",
    "ratio",
  ],
  ["bandwidth"],
].flat();
const line = (cells) => `| ${cells.join(" | ")} |`;

const rows = [];
try {
  if (isBusy) process.stderr.write(`this machine is busy (${load}): the figures say little\n`);
  console.log([line(heading), line(heading.map(() => "---"))].join("\n"));
  for (const name of names) {
    rows.push(line(row(name, measurePairs(await modelFile(name)))));
    console.log(rows.at(-1));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const source = `Measured by \`npm run bench:peer\`: ${provenance(root)}, ${load}; ${pairs} pairs, ${values.threads} threads, llama.cpp of node-llama-cpp ${peerVersion()}.`;
console.log(`\n${source}`);
if (values.write) {
  const table = [line(heading), line(heading.map(() => "---")), ...rows].join("\n");
  writeSection(root, "docs/performance.md", "peer", `${source}\n\n${table}`);
}
