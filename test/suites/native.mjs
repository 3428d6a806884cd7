/** The suites in C++: the native tests, the fuzzers under sanitizers, and the tests cross-compiled and run under qemu. */
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../../deploy/files.mjs";
import { run, skip } from "./command.mjs";

const doctest = { package: "doctest-dev", present: () => existsSync("/usr/include/doctest/doctest.h") };
const crossCompiler = { package: "g++-aarch64-linux-gnu", present: () => findProgram("aarch64-linux-gnu-g++") };
const qemu = { package: "qemu-user", present: () => findProgram("qemu-aarch64") };

/**
 * Boards as qemu knows them: Raspberry Pi 4, Raspberry Pi 5, and one with everything. Each tests the kernel set that only it and those
 * after it have. Plain code is tested on the first.
 */
const boards = [
  { cpu: "cortex-a72", set: "neon", excluded: "bounded cost" },
  { cpu: "cortex-a76", set: "neon_dotprod", excluded: "bounded cost,ref alone" },
  { cpu: "max", set: "neon_i8mm", excluded: "bounded cost,ref alone" },
];

export const nativeSuites = [
  { name: "native", run: native },
  { name: "sanitize", computes: true, run: sanitize },
  { name: "arm", computes: true, run: arm },
];

async function native(root) {
  const missing = missingTools(doctest);
  if (missing.length > 0) return skip(missing);
  const folder = await build(root, ".", ["hearth-tests"], ["-DHEARTH_WERROR=ON"]); // where the addon's objects are
  return folder === null ? { failed: 1 } : doctests(root, path.join(folder, "hearth-tests"), []);
}

async function sanitize(root) {
  const missing = missingTools(doctest);
  if (missing.length > 0) return skip(missing);
  // A build type of its own: with -O3 the sanitized kernels take ten times as long to compile.
  // Without precompiled headers, which would hide that a file does not include what it uses.
  const options = [
    "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON",
    "-DHEARTH_SANITIZE=address,undefined",
    "-DCMAKE_BUILD_TYPE=Sanitize",
    "-DCMAKE_CXX_FLAGS_SANITIZE=-O1",
  ];
  const fuzzers = ["hearth-fuzz-gguf", "hearth-fuzz-grammar"];
  const folder = await build(root, "native-asan", fuzzers, options);
  if (folder === null) return { failed: 1 };
  const runs = fuzzers.map((fuzzer) => run(root, path.join(folder, fuzzer), [], { limitSeconds: 1800 }));
  const passed = (await Promise.all(runs)).filter(({ status }) => status === 0).length;
  return { passed, failed: fuzzers.length - passed };
}

/** The folder of the cross-compiled programs, or in its place the result of a suite that cannot run. */
export async function buildForArm(root, targets) {
  const missing = missingTools(doctest, crossCompiler, qemu);
  if (missing.length > 0) return skip(missing);
  const toolchain = `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, "native", "aarch64.cmake")}`;
  const folder = await build(root, "native-aarch64", targets, [toolchain]);
  return folder === null ? { failed: 1 } : { folder };
}

async function arm(root) {
  const { folder, ...result } = await buildForArm(root, ["hearth-tests", "hearth-native"]);
  if (folder === undefined) return result;
  // Side by side: an emulated board keeps one core busy.
  const results = await Promise.all(
    boards.map(async ({ cpu, set, excluded }) => {
      const command = ["-cpu", cpu, "-L", "/usr/aarch64-linux-gnu", path.join(folder, "hearth-tests")];
      // Tests of bounded cost run on this machine alone, in a tenth of the time; and so do those of the page cache, because
      // qemu keeps from the kernel what a process advises it, and of large mappings, for each page of which qemu takes memory.
      const args = [...command, `--test-suite-exclude=${excluded},page cache,address space`];
      const result = await doctests(root, "qemu-aarch64", args, { HEARTH_TESTED_SET: set });
      process.stdout.write(`-- ${cpu}: ${result.passed} passed, ${result.failed} failed\n`);
      return result;
    }),
  );
  const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
  const note = "tests of bounded cost, of the page cache and of large mappings run on this machine only";
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), note };
}

function missingTools(...tools) {
  return tools.filter((tool) => !tool.present()).map((tool) => tool.package);
}

/** The build folder, or null when it could not be built. */
async function build(root, name, targets, options) {
  const folder = path.join(root, "build", name);
  const jobs = String(os.availableParallelism());
  const configure = ["-S", "native", "-B", folder, "-DHEARTH_TESTS=ON", ...options];
  for (const args of [configure, ["--build", folder, "--parallel", jobs, "--target", ...targets]]) {
    const { status } = await run(root, "cmake", args, { limitSeconds: 1800 });
    if (status !== 0) return null;
  }
  return folder;
}

/** Runs a doctest program and reads its last lines. */
async function doctests(root, command, args, env = {}) {
  const { status, output } = await run(root, command, args, { env, limitSeconds: 1800 });
  const counts = /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped/.exec(output);
  const [passed, failed, skipped] = (counts ?? [0, 0, 0, 0]).slice(1).map(Number);
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped };
}
