/** Counts the instructions that a program executes on an emulated board: exact, and the same on every machine, however busy. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const source = path.join(import.meta.dirname, "count-instructions.c");

/** Boards as qemu knows them. */
export const boards = { "cortex-a72": "Pi 4 (A72)", "cortex-a76": "Pi 5 (A76)" };

function run(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${result.error ?? result.stderr}`);
  return result.stdout;
}

/** The number of qemu's interface for plugins: since its version 9 it takes no old ones. */
function interfaceNumber() {
  const [, major] = /version (\d+)/.exec(run("qemu-aarch64", ["--version"])) ?? [];
  return Number(major) >= 9 ? 2 : 1;
}

/** Compiles the plugin into the checkout's build folder, unless it is there. */
function plugin(root) {
  const library = path.join(root, "build", "count-instructions.so");
  if (existsSync(library) && statSync(library).mtimeMs > statSync(source).mtimeMs) return library;
  mkdirSync(path.dirname(library), { recursive: true });
  run("cc", [
    "-O2",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    `-DQEMU_INTERFACE=${interfaceNumber()}`,
    source,
    "-o",
    library,
  ]);
  return library;
}

/** Of one run of a program with one thread. Throws where it or qemu fails. */
export function countInstructions(root, board, program, args) {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-count-"));
  try {
    const log = path.join(folder, "count");
    const counting = ["-plugin", plugin(root), "-d", "plugin", "-D", log];
    run("qemu-aarch64", ["-cpu", board, "-L", "/usr/aarch64-linux-gnu", ...counting, program, ...args]);
    const found = /^instructions (\d+)$/m.exec(readFileSync(log, "utf8"));
    if (!found) throw new Error("qemu-aarch64 printed no count of instructions");
    return Number(found[1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Instructions of a decoded token and of a token of a prompt, by hearth-native's bench: two lengths of the same run, subtracted, leave
 * out the load.
 */
export function countSteps(root, board, program, model, { prompt, answer }) {
  const count = (tokens, decoded) =>
    countInstructions(root, board, program, ["bench", model, "-p", String(tokens), "-n", String(decoded), "-t", "1"]);
  const short = count(prompt, 1);
  return {
    decode: Math.round((count(prompt, 1 + answer) - short) / answer),
    prefill: Math.round((count(2 * prompt, 1) - short) / prompt),
  };
}
