/**
 * Installs packages of npm and of PyPI into a cache, each set in a folder of its own, once; `newest` installs anew. Knows the two
 * package managers, and nothing of what is run.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findProgram } from "../../deploy/files.mjs";
import { cacheFolder } from "../debian/folder.mjs";
import { run } from "../suites/command.mjs";

const limitSeconds = 900;

/** The folder of an npm installation. Throws a sentence that says why it cannot be had. */
export async function installNpm(name, packages, { log, newest = false }) {
  return once(path.join(cacheFolder, "clients", "npm", name), packages, newest, async (folder) => {
    writeFileSync(path.join(folder, "package.json"), '{"private":true,"type":"module"}');
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status } = await run(folder, "npm", ["install", ...quiet, ...packages], { log, limitSeconds });
    if (status !== 0) throw new Error(`npm cannot install ${packages.join(" ")}`);
  });
}

/** A folder for scripts that run a program of this machine. Throws a sentence that says how it is installed. */
export function findInstalled(name) {
  if (!findProgram(name)) throw new Error(`install with sudo apt-get install ${name}`);
  const folder = path.join(cacheFolder, "clients", "installed", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The folder of a Python environment. Throws a sentence that says why it cannot be had. */
export async function installPython(name, packages, { log, newest = false }) {
  return once(path.join(cacheFolder, "clients", "pip", name), packages, newest, async (folder) => {
    const made = await run(folder, "python3", ["-m", "venv", "."], { log, limitSeconds });
    if (made.status !== 0) throw new Error("install with sudo apt-get install python3-venv");
    const quiet = ["-q", "--disable-pip-version-check", "--only-binary", ":all:"];
    const { status } = await run(folder, "bin/pip", ["install", ...quiet, ...packages], { log, limitSeconds });
    if (status !== 0) throw new Error(`pip cannot install ${packages.join(" ")}`);
  });
}

/** The version of an installed package, "" where it does not say. */
export async function versionOf({ registry, name: program, package: name }, folder, log) {
  if (registry === "Debian") return (await run(folder, program, ["--version"], { log })).output.split(" ")[1] ?? "";
  if (registry === "npm")
    return JSON.parse(readFileSync(path.join(folder, "node_modules", name, "package.json"))).version;
  const ask = `import importlib.metadata; print(importlib.metadata.version(${JSON.stringify(name)}))`;
  return (await run(folder, "bin/python", ["-c", ask], { log })).output.trim();
}

/** Copies scripts beside the packages that they import. */
export function copyScripts(from, files, folder) {
  for (const file of files) cpSync(path.join(from, file), path.join(folder, path.basename(file)));
}

/** A set of packages that is there in part is installed again. */
async function once(folder, packages, newest, install) {
  const list = path.join(folder, "installed");
  const wanted = `${packages.join("\n")}\n`;
  if (!newest && existsSync(list) && readFileSync(list, "utf8") === wanted) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install(folder);
  writeFileSync(list, wanted);
  return folder;
}
