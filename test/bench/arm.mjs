/**
 * Counts the instructions that a token takes on ARM boards, for want of a board: `npm run bench:arm -- [SHAPE:TYPE|FILE.gguf...] [--tokens N]
 * [--write]`. Cross-compiles hearth-native and runs it with one thread under qemu-user with a counting plugin (test/arm/instructions.mjs).
 * The counts are exact and the same on every machine, however busy. The suite `instructions` of npm test holds them. `--write` writes
 * the table into docs/performance.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { boards, countSteps } from "../arm/instructions.mjs";
import { run } from "./llama-cpp.mjs";
import { writesSection } from "./section.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const build = path.join(root, "build", "native-aarch64");
const hearth = path.join(build, "hearth-native");

writesSection("arm", { isTable: true, isExact: true });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: "string", default: "64" } },
});
const tokens = Number(values.tokens);
const models = positionals.length > 0 ? positionals : ["smollm2-135m:q4_0", "smollm2-135m:q8_0", "smollm2-135m:q4_k"];

function compile() {
  const toolchain = `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, "native", "aarch64.cmake")}`;
  const jobs = String(os.availableParallelism());
  run("cmake", ["-S", "native", "-B", build, "-DHEARTH_TESTS=ON", toolchain], { cwd: root });
  run("cmake", ["--build", build, "--parallel", jobs, "--target", "hearth-native"], { cwd: root });
}

compile();
const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-arm-"));
try {
  const isFile = (model) => model.endsWith(".gguf");
  const fileOf = (model) =>
    isFile(model) ? path.resolve(model) : path.join(folder, `${model.replace(":", "-")}.gguf`);
  for (const model of models.filter((model) => !isFile(model))) {
    run("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", hearth, "synthetic", ...model.split(":"), fileOf(model)]);
  }
  const counts = await countSteps(root, hearth, models.map(fileOf), { prompt: tokens, answer: tokens });
  console.log("| model | board (core) | decode, M instructions a token | prefill |\n| --- | --- | --- | --- |");
  for (const model of models) {
    for (const [board, steps] of Object.entries(counts.get(fileOf(model)))) {
      const [decode, prefill] = [steps.decode, steps.prefill].map((count) => (count / 1e6).toFixed(1));
      console.log(`| ${model} | ${boards[board]} | ${decode} | ${prefill} |`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
