/** Counts the instructions that a program executes on an emulated board: exact, and the same on every machine, however busy. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const source = path.join(import.meta.dirname, "count-instructions.c");

/** Boards as qemu knows them. */
export const boards = { "cortex-a72": "Pi 4 (A72)", "cortex-a76": "Pi 5 (A76)" };

/** The standard output of a command. Throws with what it wrote to its standard error when it fails. */
async function run(command, args, options = {}) {
  return (await execute(command, args, options)).stdout;
}

/** The number of qemu's interface for plugins: since its version 9 it takes no old ones. */
async function interfaceNumber() {
  const [, major] = /version (\d+)/.exec(await run("qemu-aarch64", ["--version"])) ?? [];
  return Number(major) >= 9 ? 2 : 1;
}

/** Compiles the plugin into the checkout's build folder, unless it is there. Returns its path. */
async function buildPlugin(root) {
  const number = await interfaceNumber();
  const library = path.join(root, "build", `count-instructions-${number}.so`);
  if (existsSync(library) && statSync(library).mtimeMs > statSync(source).mtimeMs) return library;
  mkdirSync(path.dirname(library), { recursive: true });
  const flags = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", `-DQEMU_INTERFACE=${number}`];
  await run("cc", [...flags, source, "-o", library]);
  return library;
}

/** Whether this qemu takes plugins: one that is linked statically does not. */
export async function takesPlugins() {
  return /^-plugin\b/m.test(await run("qemu-aarch64", ["--help"]));
}

/** The instructions of one run of a program with one thread. Throws where it or qemu fails. */
async function countInstructions(plugin, board, program, args) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "hearth-count-"));
  try {
    const log = path.join(folder, "count");
    const counting = ["-plugin", plugin, "-d", "plugin", "-D", log];
    // The environment may force kernels, which would be counted in place of the usual ones.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("HEARTH_")));
    await run("qemu-aarch64", ["-cpu", board, "-L", "/usr/aarch64-linux-gnu", ...counting, program, ...args], { env });
    const found = /^instructions (\d+)$/m.exec(readFileSync(log, "utf8"));
    if (!found) throw new Error("qemu-aarch64 printed no count of instructions");
    return Number(found[1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Instructions of a decoded token and of a token of a prompt, on each board with each of the model files, by hearth-native's bench: two
 * lengths of one run, subtracted, leave out the load. As many runs at a time as there are cores. By file, board and step.
 */
export async function countSteps(root, program, files, { prompt, answer }) {
  const plugin = await buildPlugin(root);
  const lengths = { short: [prompt, 1], decode: [prompt, 1 + answer], prefill: [2 * prompt, 1] };
  const runs = files.flatMap((file) =>
    Object.keys(boards).flatMap((board) => Object.keys(lengths).map((what) => ({ file, board, what }))),
  );
  const counts = new Map();
  const nameOf = ({ file, board, what }) => `${file} ${board} ${what}`;
  const waiting = [...runs];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [tokens, decoded] = lengths[next.what].map(String);
      const args = ["bench", next.file, "-p", tokens, "-n", decoded, "-t", "1"];
      counts.set(nameOf(next), await countInstructions(plugin, next.board, program, args));
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  const stepsOf = (file, board) => {
    const [short, decode, prefill] = Object.keys(lengths).map((what) => counts.get(nameOf({ file, board, what })));
    return { decode: Math.round((decode - short) / answer), prefill: Math.round((prefill - short) / prompt) };
  };
  return new Map(
    files.map((file) => [file, Object.fromEntries(Object.keys(boards).map((b) => [b, stepsOf(file, b)]))]),
  );
}
