/**
 * llama.cpp as a peer to measure against: the npm package node-llama-cpp, which carries it prebuilt and its source, installed on
 * demand into the cache of the tests. Never a dependency of the project.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { arch, availableParallelism } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../debian/folder.mjs";

const folder = path.join(cacheFolder, "llama-cpp");
const packageFolder = path.join(folder, "node_modules", "node-llama-cpp");

/** The standard output of a command. Throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
  return result.stdout;
}

function install() {
  if (existsSync(packageFolder)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{"private":true,"type":"module"}');
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "node-llama-cpp"], { cwd: folder });
}

/** The version of the package. */
export function peerVersion() {
  install();
  return JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8")).version;
}

/** The folder with the shared libraries of this machine's build. */
export function libraryFolder() {
  install();
  const name = `linux-${arch()}`;
  return path.join(folder, "node_modules", "@node-llama-cpp", name, "bins", name);
}

/** The source that the package's libraries were built from. */
function sourceFolder() {
  install();
  const source = path.join(folder, "source");
  if (!existsSync(source)) run("git", ["clone", "-q", path.join(packageFolder, "llama", "gitRelease.bundle"), source]);
  return source;
}

/**
 * Prefill and decode speed of the prebuilt libraries, in tokens a second: a process of its own, timed in C. `repack: false` as its
 * option --no-repack, `runs` runs the command elsewhere than run() does.
 */
export function peerSpeed(model, { prefill, decode, threads, repack = true, runs = run }) {
  const args = [model, prefill, decode, threads, libraryFolder(), ...(repack ? [] : ["no-repack"])].map(String);
  return JSON.parse(runs(speedProgram(), args).trim().split("\n").at(-1));
}

function speedProgram() {
  const source = path.join(path.dirname(fileURLToPath(import.meta.url)), "llama-speed.c");
  const program = path.join(folder, "llama-speed");
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  const libraries = libraryFolder();
  const links = readdirSync(libraries).filter((file) => /^lib(llama|ggml)(\.v.*|-base)?\.so$/.test(file));
  const headers = ["include", "ggml/include"].map((name) => `-I${path.join(sourceFolder(), name)}`);
  run("cc", [
    ...["-std=gnu11", "-O2", ...headers, source, "-o", program],
    ...links.map((file) => path.join(libraries, file)),
    ...[`-Wl,-rpath,${libraries}`, `-Wl,-rpath-link,${libraries}`],
  ]);
  return program;
}

/**
 * llama.cpp's own server, built for this CPU with the options that its build has by itself, but for what a server on loopback does not
 * need. Takes minutes, once.
 */
export function serverProgram() {
  const build = path.join(folder, "server");
  const program = path.join(build, "bin", "llama-server");
  if (existsSync(program)) return program;
  process.stderr.write("building llama.cpp's server, which takes some minutes, once ...\n");
  const without = [
    "LLAMA_BUILD_TESTS",
    "LLAMA_BUILD_EXAMPLES",
    "LLAMA_BUILD_APP",
    "LLAMA_OPENSSL",
    "LLAMA_USE_PREBUILT_UI",
  ];
  const options = ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", ...without.map((name) => `-D${name}=OFF`)];
  run("cmake", ["-S", sourceFolder(), "-B", build, ...options]);
  run("cmake", ["--build", build, "--target", "llama-server", "--parallel", String(availableParallelism())]);
  return program;
}

/** Runs a module that may import node-llama-cpp in a process of its own, and returns the JSON of its last line of output. */
export function runPeer(name, source, args) {
  install();
  writeFileSync(path.join(folder, name), source);
  const output = run(process.execPath, [name, ...args], { cwd: folder });
  return JSON.parse(output.trim().split("\n").at(-1));
}
