/**
 * Counts the instructions that a token takes on ARM boards, for want of a board: `node test/bench/arm.mjs
 * [SHAPE:TYPE...] [--tokens N]`. Cross-compiles hearth-native and runs it with one thread under qemu-user with the counting
 * plugin of ../shared/tools/arm; two lengths of the same run, subtracted, leave out the load. The counts are exact and the
 * same on every machine, however busy.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const counter = path.join(root, "..", "shared", "tools", "arm", "icount.sh");
const build = path.join(root, "build", "native-aarch64");
const boards = { "cortex-a72": "Pi 4 (A72)", "cortex-a76": "Pi 5 (A76)" };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: "string", default: "64" } },
});
const tokens = Number(values.tokens);
const models = positionals.length > 0 ? positionals : ["smollm2-135m:q4_0", "smollm2-135m:q8_0", "smollm2-135m:q4_k"];

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
  return result.stdout;
}

function compile() {
  const toolchain = `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, "native", "aarch64.cmake")}`;
  run("cmake", ["-S", "native", "-B", build, "-DHEARTH_TESTS=ON", toolchain]);
  run("cmake", ["--build", build, "--parallel", String(os.availableParallelism()), "--target", "hearth-native"]);
}

const hearth = path.join(build, "hearth-native");

/** Instructions of one run in which `prefill` tokens are read and `decode` are written. */
function count(board, file, prefill, decode) {
  const args = [board, hearth, "bench", file, "-p", String(prefill), "-n", String(decode), "-t", "1"];
  const found = /^instructions (\d+)$/m.exec(run("bash", [counter, ...args]));
  if (!found) throw new Error(`${counter} printed no count`);
  return Number(found[1]);
}

if (!existsSync(counter)) throw new Error(`${counter} is not there: the counting plugin belongs to it.`);
compile();
const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-arm-"));
try {
  console.log("| model | board (core) | decode, M instructions a token | prefill |\n| --- | --- | --- | --- |");
  for (const model of models) {
    const file = path.join(folder, "model.gguf");
    run("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", hearth, "synthetic", ...model.split(":"), file]);
    for (const [board, name] of Object.entries(boards)) {
      const short = count(board, file, tokens, 1);
      const millions = (total) => ((total - short) / tokens / 1e6).toFixed(1);
      const decode = millions(count(board, file, tokens, tokens + 1));
      const prefill = millions(count(board, file, 2 * tokens, 1));
      console.log(`| ${model} | ${name} | ${decode} | ${prefill} |`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
