/**
 * Lets other compilers than the machine's own read all of the native code: clang, and the gcc of Debian 13, for this machine and for
 * ARM. The suites native and arm build with the machine's gcc. Code is checked and not generated, which would take ten times as long.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../../deploy/files.mjs";
import { debianLayers, runIn, whyNoFolder } from "../debian/folder.mjs";
import { run } from "./command.mjs";

const release = "trixie";
const packages = ["g++", "g++-aarch64-linux-gnu"];

const checks = "-fsyntax-only -Werror";
/** Clang does not know all options of gcc, which is no fault of the code. */
const clang = "clang++ -Wno-ignored-optimization-argument";

export async function compilers(root) {
  const hasCross = os.arch() !== "arm64" && findProgram("aarch64-linux-gnu-g++");
  const here = await compileCommands(root, "host", []);
  const cross = hasCross ? await compileCommands(root, "aarch64", [path.join(root, "native", "aarch64.cmake")]) : [];
  if (here === null || cross === null) return { failed: 1 };
  // The other folders have the same lines on every machine.
  const arm = cross.filter(({ file }) => /\/native\/(kernels|threads)\//.test(file));

  const obstacles = [];
  const passed = [];
  const read = async (name, compiler, units, runner) => {
    if (units.length > 0) passed.push(await readAll(root, name, compiler, units, runner));
  };
  if (findProgram("clang++")) {
    await read("clang", clang, here, run);
    await read("clang for ARM", `${clang} --target=aarch64-linux-gnu`, arm, run);
  } else obstacles.push("clang: install with sudo apt-get install clang");

  const inDebian = await debianRunner(root).catch((error) => error.message.split("\n")[0]);
  if (typeof inDebian === "function") {
    await read("gcc of Debian 13", "g++", here, inDebian);
    await read("gcc of Debian 13 for ARM", "aarch64-linux-gnu-g++", arm, inDebian);
  } else obstacles.push(`gcc of Debian 13: ${inDebian}`);

  const failed = passed.filter((ok) => !ok).length;
  const note = obstacles.length > 0 ? `skipped: ${obstacles.join("; ")}` : "";
  if (note) process.stdout.write(`${note}\n`);
  return { passed: passed.length - failed, failed, skipped: obstacles.length, note };
}

/** Every file that is compiled, with the command that does it; null when CMake fails. */
async function compileCommands(root, name, [toolchain]) {
  const folder = path.join(root, "build", "compilers", name);
  const packageFolder = (...parts) => path.join(root, "node_modules", ...parts);
  const headers = [packageFolder("node-api-headers", "include"), packageFolder("node-addon-api")];
  const options = [
    "-DHEARTH_TESTS=ON",
    // Without them a file that does not include what it uses is seen.
    "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON",
    `-DCMAKE_JS_INC=${headers.join(";")}`,
    ...(toolchain ? [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`] : []),
  ];
  const { status } = await run(root, "cmake", ["--log-level=WARNING", "-S", "native", "-B", folder, ...options]);
  return status === 0 ? JSON.parse(readFileSync(path.join(folder, "compile_commands.json"), "utf8")) : null;
}

/** Whether `compiler` takes all the units; it prints what it does not take. */
async function readAll(root, name, compiler, units, runner) {
  // The words behind the machine's compiler, without the order to write an object.
  const lines = units.map(({ command, file }) => {
    const [, words] = /\S*(?:c\+\+|g\+\+)\s(.*?) -o \S+ -c /.exec(command);
    return `${compiler} ${words} ${checks} '${file}'`;
  });
  const list = path.join(root, "build", "compilers", "commands");
  mkdirSync(path.dirname(list), { recursive: true });
  writeFileSync(list, `${lines.join("\n")}\n`);
  const jobs = String(os.availableParallelism());
  const started = performance.now();
  const one = 'sh -c "$1" 2>&1';
  const { status } = await runner(root, "xargs", [
    "-a",
    list,
    "-d",
    "\n",
    "-P",
    jobs,
    "-n",
    "1",
    "sh",
    "-c",
    one,
    "sh",
  ]);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`-- ${name}: ${units.length} files ${status === 0 ? "read" : "NOT ALL TAKEN"}, ${seconds} s\n`);
  return status === 0;
}

/** Runs commands of suites in a Debian 13 that has compilers; the sentence that says why not where there is none. */
async function debianRunner(root) {
  const obstacle = whyNoFolder();
  if (obstacle !== null) return obstacle;
  const layers = await debianLayers(release, { name: "compilers", packages });
  const onOutput = (text) => process.stdout.write(text);
  return (_, command, args) => runIn(layers, [command, ...args], { binds: [root], onOutput });
}
