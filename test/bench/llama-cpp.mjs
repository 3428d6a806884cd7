/**
 * llama.cpp as a peer to measure against: the npm package node-llama-cpp (prebuilt), installed on demand into the
 * cache of the tests. Never a dependency of the project.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import path from "node:path";
import { cacheFolder } from "../debian/folder.mjs";

const folder = path.join(cacheFolder, "llama-cpp");

/** The standard output of a command. Throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
  return result.stdout;
}

function install() {
  if (existsSync(path.join(folder, "node_modules", "node-llama-cpp"))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{"private":true,"type":"module"}');
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "node-llama-cpp"], { cwd: folder });
}

/** Where the shared libraries of this machine's build are. */
export function libraryFolder() {
  install();
  const name = `linux-${arch()}`;
  return path.join(folder, "node_modules", "@node-llama-cpp", name, "bins", name);
}

/** Runs a module that may import node-llama-cpp in a process of its own, and returns the JSON of its last line of output. */
export function runPeer(name, source, args) {
  install();
  writeFileSync(path.join(folder, name), source);
  const output = run(process.execPath, [name, ...args], { cwd: folder });
  return JSON.parse(output.trim().split("\n").at(-1));
}
