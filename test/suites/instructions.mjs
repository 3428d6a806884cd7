/**
 * A gate for the speed on ARM that no noise can open or shut: the instructions of a decoded token and of a token of a prompt on an
 * emulated Pi 4 and Pi 5 may exceed the stored ones by the tolerance at most. Whoever makes them more or fewer on purpose stores the new
 * figures in the same commit: `node test/run.mjs instructions --write`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { boards, countSteps, takesPlugins } from "../arm/instructions.mjs";
import { run, skip } from "./command.mjs";
import { buildForArm } from "./native.mjs";

export const instructionsSuite = { name: "instructions", computes: true, run: instructions };

export const tolerance = 0.02;
const shape = "smollm2-135m";
const types = ["q4_0", "q4_k", "q8_0"];
/** The fewest tokens that give the steps of a long prompt and of an answer. */
const lengths = { prompt: 16, answer: 2 };
const storedFile = path.join("test", "arm", "instructions.json");
const rewrite = "node test/run.mjs instructions --write";

async function instructions(root, options) {
  const built = await buildForArm(root, ["hearth-native"]);
  if (built.folder === undefined) return built;
  if (!(await takesPlugins())) return skip(["qemu-user"]);
  // Each compiler makes other instructions of the same source.
  const compiler = `g++ ${(await run(root, "aarch64-linux-gnu-g++", ["-dumpversion"])).output.trim()}`;
  const stored = JSON.parse(readFileSync(path.join(root, storedFile), "utf8"));
  const writes = options.includes("--write");
  if (stored[compiler] === undefined && !writes) {
    const note = `skipped: no counts are stored for ${compiler}; ${rewrite} stores them`;
    process.stdout.write(`${note}\n`);
    return { skipped: 1, note };
  }
  const counts = await countAll(root, path.join(built.folder, "hearth-native"));
  const { failed, lines } = compare(counts, stored[compiler] ?? {});
  process.stdout.write(`${lines.join("\n")}\n`);
  if (writes) {
    writeFileSync(path.join(root, storedFile), `${JSON.stringify({ ...stored, [compiler]: counts }, null, 2)}\n`);
    return { passed: lines.length, note: `written to ${storedFile}` };
  }
  const note = `more than ${100 * tolerance} % above ${storedFile}; if it has to be so, store them: ${rewrite}`;
  return { passed: lines.length - failed, failed, ...(failed > 0 && { note }) };
}

/** By type, board and step. */
async function countAll(root, program) {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-instructions-"));
  try {
    const fileOf = (type) => path.join(folder, `${type}.gguf`);
    for (const type of types) {
      const args = ["synthetic", shape, type, fileOf(type)];
      const { status } = await run(root, path.join(root, "build", "hearth-native"), args);
      if (status !== 0) throw new Error(`there is no model ${shape} ${type} to count with`);
    }
    const counts = await countSteps(root, program, types.map(fileOf), lengths);
    return Object.fromEntries(types.map((type) => [type, counts.get(fileOf(type))]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A line for each count, and how many are too many. What was not stored is too many. */
export function compare(counts, stored) {
  const lines = [];
  let failed = 0;
  for (const [type, ofBoards] of Object.entries(counts)) {
    for (const [board, steps] of Object.entries(ofBoards)) {
      for (const [step, count] of Object.entries(steps)) {
        const { isPass, verdict } = judge(count, stored[type]?.[board]?.[step]);
        if (!isPass) failed++;
        lines.push(`${shape} ${type}, ${boards[board]}, ${step}: ${(count / 1e6).toFixed(2)} M a token, ${verdict}`);
      }
    }
  }
  return { failed, lines };
}

function judge(count, stored) {
  if (stored === undefined) return { isPass: false, verdict: "not stored" };
  const change = count / stored - 1;
  const percent = `${change < 0 ? "" : "+"}${(100 * change).toFixed(2)} %`;
  if (change > tolerance) return { isPass: false, verdict: `${percent}, TOO MANY` };
  return { isPass: true, verdict: `${percent}, ${change < -tolerance ? "fewer: store them" : "as stored"}` };
}
