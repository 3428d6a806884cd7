/** The package for ARM on emulated boards, by the Node that is in it: no board is needed, and no Debian for ARM. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { before, type TestContext, test } from "node:test";
import { findProgram } from "../../deploy/files.mjs";
import { root } from "../helpers/shared.js";
import { missingTools, unpack } from "./packages.js";

const sysroot = "/usr/aarch64-linux-gnu";
const skip =
  missingTools("arm64") ||
  (!(findProgram("qemu-aarch64") && existsSync(sysroot)) &&
    "install with sudo apt-get install qemu-user g++-aarch64-linux-gnu");

/** Raspberry Pi 4, Raspberry Pi 5, and all that qemu knows; with the kernel set that each is to choose. */
const boards = [
  { cpu: "cortex-a72", isa: "neon" },
  { cpu: "cortex-a76", isa: "neon_dotprod" },
  { cpu: "max", isa: "neon_i8mm" },
];
/** Without a chat template, whose thread has too little time in an emulator. */
const question = ["run", "--raw", "--prompt", "The kitchen light is", "--temperature", "0", "--max-tokens", "12"];

let folder = "";
before((t) => {
  if (!skip) folder = unpack(t as TestContext, "arm64");
});

const file = (name: string) => path.join(folder, "usr", "lib", "hearthd", name);

function onBoard(cpu: string, args: readonly string[]) {
  return spawnSync("qemu-aarch64", ["-cpu", cpu, "-L", sysroot, file("bin/node"), ...args], {
    encoding: "utf8",
    timeout: 300_000,
  });
}

for (const { cpu, isa } of boards) {
  test(`${cpu}: the package's Node loads the engine, which chooses ${isa}`, { skip }, () => {
    const script = `console.log(require(${JSON.stringify(file("build/Release/hearth.node"))}).matmulWays("", "")[0])`;
    const { status, stdout, stderr } = onBoard(cpu, ["-e", script]);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim().split(":")[0], isa);
  });
}

test("as a Raspberry Pi 4 and 5 the command gives the answer of this machine", { skip }, () => {
  const program = path.join(root, "dist", "cli", "main.js");
  const here = spawnSync(process.execPath, [program, ...question], {
    encoding: "utf8",
    env: { ...process.env, HEARTH_CONFIG: "/dev/null" },
  });
  assert.equal(here.status, 0, here.stderr);
  const answers = ["cortex-a72", "cortex-a76"].map((cpu) => onBoard(cpu, [file("dist/cli/main.js"), ...question]));
  for (const { status, stdout, stderr } of answers) {
    assert.equal(status, 0, stderr);
    assert.equal(stdout, here.stdout);
  }
});

test("the segments of Node and of the engine suit pages of 4, 16 and 64 KB", { skip }, () => {
  for (const name of ["bin/node", "build/Release/hearth.node"]) {
    const { stdout } = spawnSync("readelf", ["--program-headers", "--wide", file(name)], { encoding: "utf8" });
    const segments = stdout.split("\n").filter((line) => /^\s+LOAD /.test(line));
    assert.ok(segments.length > 0);
    for (const line of segments) {
      const [, offset, address, , , ...rest] = line.trim().split(/\s+/);
      assert.ok(Number(rest.at(-1)) >= 0x10000, line);
      assert.equal(Number(offset) % 0x10000, Number(address) % 0x10000, line);
    }
  }
});
