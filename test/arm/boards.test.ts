/**
 * The cross-compiled engine on emulated boards: logits equal this machine's bit for bit, and a forced kernel set that the
 * board lacks is an error, not SIGILL.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { logits } from "../golden/engine.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing, root, shared } from "../helpers/shared.js";

const program = path.join(root, "build", "native-aarch64", "hearth-native");
const skip = existsSync(program) ? missing("golden/quant/quants.json") : "node test/run.mjs arm builds what this needs";

/** Raspberry Pi 4, Raspberry Pi 5, and all that qemu knows; with the kernel set that each is to choose. */
const boards = [
  { cpu: "cortex-a72", isa: "neon" },
  { cpu: "cortex-a76", isa: "neon_dotprod" },
  { cpu: "max", isa: "neon_i8mm" },
];
const golden = ["golden/arch", "golden/quant"].flatMap((folder) =>
  existsSync(shared(folder)) ? readdirSync(shared(folder)).map((file) => `${folder}/${file}`) : [],
);
/** One of each architecture and of each type. */
const files = [...golden.filter((file) => file.endsWith(".gguf")), "models/stories260K.gguf"];
const tokens = [1, 211, 271, 144, 268, 32, 6, 373, 328, 499, 62, 142, 278, 161, 140, 162, 83];

function onBoard(cpu: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const environment = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
  const command = ["-cpu", cpu, "-L", "/usr/aarch64-linux-gnu", ...environment, program, ...args];
  return spawnSync("qemu-aarch64", command, { encoding: "utf8", timeout: 120_000 });
}

for (const { cpu, isa } of boards) {
  test(`${cpu} chooses ${isa}`, { skip }, () => {
    const { status, stdout } = onBoard(cpu, ["isa"]);
    assert.equal(status, 0);
    assert.equal(stdout.split("\n")[0], isa);
  });

  test(`${cpu}: logits equal this machine's bit for bit`, { skip }, async (t) => {
    const out = path.join(temporaryFolder(t), "logits.f32");
    for (const file of files) {
      const args = ["logits", shared(file), "--tokens", tokens.join(" "), "--out", out, "--chunk", "9", "-t", "2"];
      const { status, stderr } = onBoard(cpu, args);
      assert.equal(status, 0, stderr);
      const here = await logits(file, tokens);
      assert.deepEqual(readFileSync(out), Buffer.from(here.buffer), file);
    }
  });
}

test("forcing the dot product on a board without it is refused with its name", { skip }, () => {
  const { status, signal, stderr } = onBoard("cortex-a72", ["isa"], { HEARTH_ISA: "neon_dotprod" });
  assert.equal(signal, null);
  assert.equal(status, 2);
  assert.match(stderr, /^ISA_UNSUPPORTED: .*neon_dotprod/);
});
