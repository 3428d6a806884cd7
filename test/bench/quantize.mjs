/**
 * `hearth quantize` beside llama.cpp's quantizer: `npm run bench:quantize [-- MODEL.gguf ... --write]`. Prints for each type what
 * share of the weights' energy both lose, and for each mix whether both give every tensor the same type and how far the
 * logits of our file in llama.cpp are from those in hearth. Exits with 1 when we lose more, choose another type, or logits
 * differ by more than int8 activations explain. Needs python3.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readGguf } from "../helpers/gguf-reader.ts";
import { root, shared } from "../helpers/shared.ts";
import { libraryFolder, run, runPeer } from "./llama-cpp.mjs";
import { writesSection } from "./section.mjs";

writesSection("quantize", { isExact: true });

/** llama.cpp rounds activations to int8 in its own way: golden/quant has 1.2e-4 to 3.6e-4 for each of the two. */
const largestLogitError = 2e-3;
const tokenCount = 64;

/** By general.file_type. */
const mixes = new Map([
  ["Q8_0", 7],
  ["Q6_K", 18],
  ["Q5_K_M", 17],
  ["Q5_K_S", 16],
  ["Q5_1", 9],
  ["Q5_0", 8],
  ["Q4_K_M", 15],
  ["Q4_K_S", 14],
  ["Q4_1", 3],
  ["Q4_0", 2],
  ["IQ4_NL", 25],
  ["IQ4_XS", 30],
  ["Q3_K_L", 13],
  ["Q3_K_M", 12],
  ["Q3_K_S", 11],
  ["Q2_K", 10],
]);
/** One mix of each type, for what the type itself loses. */
const types = [
  "Q8_0",
  "Q6_K",
  "Q5_K_S",
  "Q5_1",
  "Q5_0",
  "Q4_K_S",
  "Q4_1",
  "Q4_0",
  "IQ4_NL",
  "IQ4_XS",
  "Q3_K_S",
  "Q2_K",
];

const peerProgram = `
import { writeFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
const [modelPath, out, ids] = process.argv.slice(2);
const tokens = JSON.parse(ids);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: tokens.length, batchSize: tokens.length });
const all = Array.from({ length: model.fileInfo.metadata.tokenizer.ggml.tokens.length }, (_, i) => i);
const logits = { filter: { tokens: all, includeTop: 1 } };
const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const input = tokens.map((token) => [token, { generateNext: { logits, options } }]);
const outputs = await context.getSequence().controlledEvaluate(input);
const rows = outputs.map(({ next }) => Float32Array.from(all, (token) => next.logits.get(token)));
writeFileSync(out, Buffer.concat(rows.map((row) => Buffer.from(row.buffer))));
console.log("{}");
process.exit(0);
`;

const folder = mkdtempSync(path.join(tmpdir(), "hearth-bench-quantize-"));
const temporary = (name) => path.join(folder, name);

function hearth(...args) {
  return run(process.execPath, [path.join(root, "dist", "cli", "main.js"), ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const ours = (source, target, type, ...flags) => hearth("quantize", source, target, type, ...flags);

function theirs(source, target, type, pure) {
  const script = path.join(root, "test", "bench", "llama-quantize.py");
  run("python3", [script, libraryFolder(), source, target, String(mixes.get(type)), String(pure)]);
}

/** The matrices of any file as float32, by name. */
function matrices(file) {
  const plain = temporary("plain.gguf");
  ours(file, plain, "F32", "--allow-requantize");
  const { tensors } = readGguf(plain);
  return new Map(
    tensors
      .filter(({ shape, type }) => shape.length > 1 && type === 0)
      .map(({ name, bytes }) => [
        name,
        new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
      ]),
  );
}

/** sum((a - b)^2) / sum(b^2) over all pairs of arrays. */
function loss(pairs) {
  let error = 0;
  let norm = 0;
  for (const [a, b] of pairs) {
    b.forEach((value, i) => {
      error += (a[i] - value) ** 2;
      norm += value ** 2;
    });
  }
  return error / norm;
}

function weightLoss(file, reference) {
  const weights = matrices(file);
  return loss([...reference].map(([name, values]) => [weights.get(name), values]));
}

function floats(file) {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const typesOf = (file) => readGguf(file).tensors.map(({ name, type }) => `${name} ${type}`);

function miss(text) {
  process.exitCode = 1;
  return `${text}  MISSED`;
}

function compareTypes(source) {
  const reference = matrices(source);
  console.log("type      hearth     llama.cpp  ratio");
  for (const type of types) {
    const [a, b] = [temporary("ours.gguf"), temporary("theirs.gguf")];
    ours(source, a, type, "--pure");
    theirs(source, b, type, true);
    const [mine, other] = [weightLoss(a, reference), weightLoss(b, reference)];
    const line = `${type.padEnd(8)}  ${mine.toExponential(3)}  ${other.toExponential(3)}  ${(mine / other).toFixed(3)}`;
    console.log(mine <= other ? line : miss(line));
  }
}

function compareMixes(source) {
  const vocabulary = readGguf(source).keys.get("tokenizer.ggml.tokens").length;
  const ids = Array.from({ length: tokenCount }, (_, i) => (7919 * (i + 1)) % vocabulary);
  console.log("mix       NMSE of the logits, llama.cpp to hearth, on our file");
  for (const type of mixes.keys()) {
    const [a, b, logits] = [temporary("ours.gguf"), temporary("theirs.gguf"), temporary("logits.f32")];
    ours(source, a, type);
    theirs(source, b, type, false);
    const others = new Set(typesOf(b));
    const different = typesOf(a).filter((tensor) => !others.has(tensor));
    hearth("debug", "logits", a, "--tokens", ids.join(" "), "--out", logits);
    const mine = floats(logits);
    runPeer("quantize.mjs", peerProgram, [a, logits, JSON.stringify(ids)]);
    const error = loss([[floats(logits), mine]]);
    const agreement = different.length === 0 ? "the same types as llama.cpp's" : `other types: ${different.join(", ")}`;
    const line = `${type.padEnd(8)}  ${error.toExponential(2)}  ${agreement}`;
    console.log(error <= largestLogitError && different.length === 0 ? line : miss(line));
  }
}

try {
  const named = process.argv.slice(2);
  const usual = [shared("golden/arch/llama.gguf"), path.join(root, "models", "spark", "spark-q8_0.gguf")];
  for (const model of named.length > 0 ? named : usual.filter((file) => existsSync(file))) {
    console.log(`\n${path.basename(model)}`);
    const source = temporary("source.gguf");
    ours(model, source, "F16", "--allow-requantize");
    compareTypes(source);
    compareMixes(source);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
