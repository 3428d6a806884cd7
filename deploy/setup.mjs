/**
 * Does all that a fresh checkout lacks: tools, packages, addon, program. Quiet and quick when nothing is to do.
 * Plain Node without packages, because it installs them. `--test` adds what the tests need.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder, findProgram, hashFiles } from "./files.mjs";
import { npmCommand } from "./npm.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const forTests = process.argv.includes("--test");
const oldestNode = 20;
const aptLockSeconds = 300; // how long the system's own updates may keep others from installing

/** Tools that have to be there, with a check for each and the Debian package that brings it. */
const buildTools = [
  { package: "cmake", present: () => findProgram("cmake") },
  { package: "g++", present: () => findProgram("c++") },
  { package: "make", present: () => findProgram("make") || findProgram("ninja") },
  // Nothing is built with it, but the next version of a checkout comes by it: asked for along with others, never waited for.
  { package: "git", present: () => findProgram("git") || !existsSync(path.join(root, ".git")), optional: true },
];
const doctest = { package: "doctest-dev", present: () => existsSync("/usr/include/doctest/doctest.h") };
const testTools = [
  { package: "clang", present: () => findProgram("clang++") },
  { package: "clang-format", present: () => findProgram("clang-format") },
  doctest,
  { package: "debootstrap", present: () => findProgram("debootstrap") },
  { package: "g++-aarch64-linux-gnu", present: () => os.arch() === "arm64" || findProgram("aarch64-linux-gnu-g++") },
  { package: "qemu-user", present: () => findProgram("qemu-aarch64") },
  { package: "python3-minimal", present: () => findProgram("python3") },
];

class SetupError extends Error {}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** Runs a command in the checkout with its output on stderr; throws when it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (result.status === 0) return;
  const reason =
    result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit status ${result.status}`);
  throw new SetupError(`${[command, ...args].join(" ")}: ${reason}.`);
}

/** Removes what CMake remembers of another place: a checkout that was moved or copied would build the sources there. */
function forgetOtherPlace() {
  const cache = path.join(root, "build", "CMakeCache.txt");
  if (!existsSync(cache)) return;
  const [, source = ""] = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, "utf8")) ?? [];
  if (source === path.join(root, "native")) return;
  rmSync(cache);
  rmSync(path.join(root, "build", "CMakeFiles"), { recursive: true, force: true });
}

/** Runs `build` unless it ran before for the same inputs and its output is still there. */
function buildWhenChanged({ name, inputs, output, build }) {
  const stamp = path.join(root, "build", "stamps", name);
  const hash = hashFiles(root, inputs, `${process.arch} node-api-${process.versions.napi}`);
  if (existsSync(path.join(root, output)) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  rmSync(stamp, { force: true });
  build();
  if (!existsSync(path.join(root, output))) throw new SetupError(`the build of ${name} made no ${output}.`);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

function checkNode() {
  if (Number(process.versions.node.split(".")[0]) >= oldestNode) return;
  const advice = "Install a newer one: Debian 13 has it, and nodejs.org for older systems";
  throw new SetupError(`Node ${oldestNode} or newer is needed, and this is ${process.versions.node}. ${advice}.`);
}

/** Installs missing Debian packages where that needs no password; otherwise says which command does. */
function ensureTools(tools, { required }) {
  const missing = tools.filter((tool) => !tool.present());
  if (missing.length === 0 || (required && missing.every((tool) => tool.optional))) return;
  const packages = missing.map((tool) => tool.package);
  const advice = `${packages.join(", ")} missing. Install with: sudo apt-get install ${packages.join(" ")}`;
  try {
    const becomeRoot = privilege();
    if (becomeRoot === null) throw new SetupError(advice);
    say(`installing ${packages.join(", ")}`);
    aptInstall(becomeRoot, packages);
  } catch (error) {
    const stillMissing = missing.filter((tool) => !tool.present() && !tool.optional);
    if (!required) say(`${advice} (tests that need them are skipped)`);
    else if (stillMissing.length > 0) throw new SetupError(advice);
    else say(error.message);
  }
}

function aptInstall(becomeRoot, packages) {
  const [command, ...rest] = [...becomeRoot, "apt-get", "-qq", "-o", `DPkg::Lock::Timeout=${aptLockSeconds}`];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // One source of packages that does not answer is no reason to give up: the others may have them.
  spawnSync(command, [...rest, "update"], { stdio: ["ignore", 2, 2], env });
  run(command, [...rest, "install", "--yes", "--no-install-recommends", ...packages], { env });
}

/** The words before a command that make it run as root; null when a password or apt-get is wanting. */
function privilege() {
  if (!findProgram("apt-get")) return null;
  if (process.getuid?.() === 0) return [];
  const allowed = findProgram("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0;
  return allowed ? ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"] : null;
}

/** npm writes node_modules/.package-lock.json when it is done, so that file's age is the age of the installation. */
async function ensurePackages() {
  const installed = path.join(root, "node_modules", ".package-lock.json");
  const lock = path.join(root, "package-lock.json");
  const current = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
  if (current && (!forTests || existsSync(path.join(root, "node_modules", "tsx")))) return;
  say("installing npm packages");
  const scope = forTests ? [] : ["--omit=dev"];
  const [npm, ...words] = await npmCommand(root, say).catch((error) => {
    throw new SetupError(error.message);
  });
  run(npm, [...words, "ci", ...scope, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
}

function ensureAddon() {
  buildWhenChanged({
    name: "addon",
    inputs: [...filesUnder(root, "native"), "package-lock.json"],
    output: path.join("build", "Release", "hearth.node"),
    build() {
      say("compiling the engine, which takes some minutes on a small board");
      forgetOtherPlace();
      const cmakeJs = path.join("node_modules", "cmake-js", "bin", "cmake-js");
      const jobs = Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 2 ** 30)));
      const options = ["--directory", "native", "--out", "build", "--config", "Release", "--parallel", String(jobs)];
      // The native tests are linked against the addon's own objects.
      if (forTests && doctest.present()) options.push("--CDHEARTH_TESTS=ON", "--CDHEARTH_WERROR=ON");
      run(process.execPath, [cmakeJs, "compile", ...options, "--log-level", "error"]);
    },
  });
}

function ensureProgram() {
  buildWhenChanged({
    name: "program",
    inputs: [
      ...filesUnder(root, "src"),
      ...["deploy/setup.mjs", "deploy/bundle.mjs", "deploy/bundle-pages.mjs", "tsconfig.json", "package-lock.json"],
    ],
    output: path.join("dist", "cli", "main.js"),
    build() {
      say("bundling the program");
      run(process.execPath, [path.join("deploy", "bundle.mjs"), `node${oldestNode}`]);
      run(process.execPath, [path.join("deploy", "bundle-pages.mjs")]);
    },
  });
}

try {
  checkNode();
  ensureTools(buildTools, { required: true });
  if (forTests) ensureTools(testTools, { required: false });
  await ensurePackages();
  ensureAddon();
  ensureProgram();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
