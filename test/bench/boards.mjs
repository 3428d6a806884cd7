/**
 * Computes what fits a board and how fast it can be there: `npm run bench:boards -- [--write] [SHAPE:TYPE ...]`. Of each model it writes
 * random weights in the published shape, and takes the memory with a whole conversation and the bytes that a token reads from `hearth
 * plan`. The speed at which a board reads weights, divided by those bytes, gives the tokens a second: nothing is measured on a board.
 * `--write` writes the table into README.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { provenance, writeSection } from "../helpers/sections.mjs";
import { hearth, writeSynthetic } from "./daemon.mjs";
import { run } from "./llama-cpp.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** The best reading of weights that published figures of any software show, in bytes a second (see docs/performance.md). */
const boards = [
  { name: "Pi 4", bytesPerSecond: 3.1e9 },
  { name: "Pi 5", bytesPerSecond: 11.3e9 },
];
/** The boards that are sold, in bytes, and the share of them that models may take (models.memory_bytes). */
const memorySizes = [1, 2, 4, 8, 16].map((gigabytes) => gigabytes * 2 ** 30);
const memoryShare = 0.8;
const conversation = 8192; // context.tokens

const usual = [
  "qwen3-0.6b:q4_k",
  "gemma3-1b:q4_0",
  "llama-3.2-1b:q4_k",
  "qwen3-1.7b:q4_k",
  "llama-3.2-3b:q4_k",
  "qwen3-4b:q4_k",
];

/** Figures of one file, with a machine that has room for it. */
function facts(file) {
  const roomy = ["--memory", "1TB", "--slots", "1", "--context", String(conversation)];
  const env = { ...process.env, HEARTH_PREFIX_MEMORY_BYTES: "0", HEARTH_STATE: folder };
  const plan = JSON.parse(run(process.execPath, [hearth, "plan", file, ...roomy, "--json"], { env }));
  return { fileBytes: plan.fileBytes, memoryBytes: plan.neededBytes, tokenBytes: plan.weightBytesPerToken };
}

function row(name, { fileBytes, memoryBytes, tokenBytes }) {
  const board = memorySizes.find((size) => memoryBytes <= memoryShare * size);
  const speed = ({ bytesPerSecond }) => {
    const tokens = bytesPerSecond / tokenBytes;
    if (tokens > 100) return "over 100"; // so small a model is bound by arithmetic, not by memory
    return `${tokens < 10 ? tokens.toFixed(1) : Math.round(tokens)}`;
  };
  const fits = board === undefined ? "-" : `${board / 2 ** 30} GB`;
  return [name, inWords(fileBytes), inWords(memoryBytes), fits, ...boards.map(speed)];
}

const inWords = (bytes) => (bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith("--"));
const spark = path.join(root, "models", "spark", "spark-q8_0.gguf");
const folder = mkdtempSync(path.join(tmpdir(), "hearth-boards-"));
const rows = [["model", "file", "memory", "needs a board of", ...boards.map(({ name }) => `tokens/s on a ${name}`)]];
try {
  if (named.length === 0) rows.push(row("Spark, comes with hearth", facts(spark)));
  for (const model of named.length > 0 ? named : usual) {
    const file = path.join(folder, "model.gguf");
    writeSynthetic(model, file);
    const [shape, type] = model.split(":");
    rows.push(row(`${shape} ${type.toUpperCase()}`, facts(file)));
    rmSync(file);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const line = (cells) => `| ${cells.join(" | ")} |`;
const table = [line(rows[0]), `|${" --- |".repeat(rows[0].length)}`, ...rows.slice(1).map(line)].join("\n");
process.stdout.write(`${table}\n`);
if (words.includes("--write")) {
  const source = `Computed by \`npm run bench:boards\`: ${provenance(root)}.`;
  writeSection(root, "README.md", "boards", `${table}\n\n${source}`);
}
