/**
 * A gate for the speed on ARM that no noise can open or shut: the instructions of a decoded token and of a token of a prompt on an
 * emulated Pi 4 and Pi 5 may not be more than stored, or only by the tolerance. Whoever makes them more or fewer on purpose stores the
 * new figures in the same commit: `node test/run.mjs instructions --write`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { boards, countSteps } from "../arm/instructions.mjs";
import { run } from "./command.mjs";
import { buildForArm } from "./native.mjs";

export const instructionsSuite = { name: "instructions", run: instructions };

const tolerance = 0.02;
const shape = "smollm2-135m";
const types = ["q4_0", "q4_k", "q8_0"];
/** As few as give the steps of a long prompt and of an answer. */
const lengths = { prompt: 16, answer: 2 };
const storedFile = path.join("test", "arm", "instructions.json");

async function instructions(root, options) {
  const built = await buildForArm(root, ["hearth-native"]);
  if (built.folder === undefined) return built;
  const stored = JSON.parse(readFileSync(path.join(root, storedFile), "utf8"));
  const compiler = (await run(root, "aarch64-linux-gnu-g++", ["-dumpversion"])).output.trim();
  const known = stored[compiler];
  if (known === undefined && !options.includes("--write")) {
    const note = `skipped: no counts are stored for g++ ${compiler}; node test/run.mjs instructions --write stores them`;
    process.stdout.write(`${note}\n`);
    return { skipped: 1, note };
  }
  const counts = await countAll(root, path.join(built.folder, "hearth-native"));
  if (options.includes("--write")) {
    writeFileSync(path.join(root, storedFile), `${JSON.stringify({ ...stored, [compiler]: counts }, null, 2)}\n`);
    return { passed: types.length, note: `written to ${storedFile}` };
  }
  return compare(counts, known);
}

/** By type, board and step. */
async function countAll(root, program) {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-instructions-"));
  try {
    const counts = {};
    for (const type of types) {
      const model = path.join(folder, "model.gguf");
      const { status } = await run(root, path.join(root, "build", "hearth-native"), ["synthetic", shape, type, model]);
      if (status !== 0) throw new Error(`there is no model ${shape} ${type} to count with`);
      counts[type] = {};
      for (const board of Object.keys(boards)) counts[type][board] = countSteps(root, board, program, model, lengths);
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(counts, known) {
  let failed = 0;
  let passed = 0;
  for (const [type, ofBoards] of Object.entries(counts)) {
    for (const [board, steps] of Object.entries(ofBoards)) {
      for (const [step, count] of Object.entries(steps)) {
        const before = known[type]?.[board]?.[step] ?? 0;
        const change = count / before - 1;
        const isMore = !(change <= tolerance);
        if (isMore) failed++;
        else passed++;
        const verdict = isMore ? "TOO MANY" : change < -tolerance ? "fewer: store them" : "as stored";
        const millions = (count / 1e6).toFixed(2);
        const percent = `${change < 0 ? "" : "+"}${(100 * change).toFixed(2)} %`;
        process.stdout.write(
          `${shape} ${type}, ${boards[board]}, ${step}: ${millions} M a token, ${percent}, ${verdict}\n`,
        );
      }
    }
  }
  if (failed === 0) return { passed, failed };
  const note = `more than ${100 * tolerance} % above ${storedFile}; if it has to be, run: node test/run.mjs instructions --write`;
  return { passed, failed, note };
}
