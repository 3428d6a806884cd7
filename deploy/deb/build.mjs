/**
 * `npm run deb`: builds hearthd_VERSION_{amd64,arm64}.deb of this checkout into build/deb, on either machine. Words after `--` name the
 * architectures; `--fast` leaves out the compression, which takes most of the time, for tests. Two builds of the same commit are the same
 * bytes.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import { architectures, missingPackages } from "./architectures.mjs";
import { buildAddon, installStripped, libraryDependencies, nodeFolder } from "./machine-code.mjs";
import { writeControl, writeTree } from "./tree.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const output = path.join(root, "build", "deb");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));

/** Seconds since 1970 that all files are dated with: SOURCE_DATE_EPOCH, or the commit's time. */
function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given) return Number(given);
  const { status, stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  if (status === 0) return Number(stdout);
  throw new Error("This is no git checkout, so the package has no date: name one in SOURCE_DATE_EPOCH.");
}

/** The manual pages, written by the sources of the commands. */
async function manual(date) {
  const outfile = path.join(output, "man-pages.mjs"); // as deep as a source file, whose paths stay right
  const require = 'import { createRequire as from } from "node:module"; const require = from(import.meta.url);';
  await bundle({
    absWorkingDir: root,
    entryPoints: ["deploy/deb/man-pages.ts"],
    bundle: true,
    outfile,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: require },
    external: ["bufferutil", "utf-8-validate"],
    logLevel: "warning",
  });
  const { manualPages } = await import(pathToFileURL(outfile).href);
  return manualPages(version, new Date(date * 1000).toISOString().slice(0, 10));
}

/** The completion of each shell, printed by the command itself. */
function completions() {
  const program = path.join(root, "dist", "cli", "main.js");
  const printed = ["bash", "zsh", "fish"].map((shell) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, "completion", shell], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`hearth completion ${shell}: ${stderr.trim()}`);
    return [shell, stdout];
  });
  return Object.fromEntries(printed);
}

async function buildPackage(name, date, texts, compression) {
  const staged = path.join(output, `hearthd-${name}`);
  rmSync(staged, { recursive: true, force: true });
  const node = await nodeFolder(root, name);
  const inPlace = (file) => path.join(staged, "usr", "lib", "hearthd", file);
  installStripped(name, path.join(node, "bin", "node"), inPlace("bin/node"), 0o755);
  installStripped(name, buildAddon(root, name, node), inPlace("build/Release/hearth.node"), 0o644);
  const libraries = libraryDependencies(name, [inPlace("bin/node"), inPlace("build/Release/hearth.node")]);
  writeTree(root, staged, { version, date, ...texts, nodeLicence: path.join(node, "LICENSE") });
  writeControl(root, staged, { name, version, date, libraries });
  const file = path.join(output, `hearthd_${version}_${name}.deb`);
  const { status, stderr } = spawnSync("dpkg-deb", ["--root-owner-group", ...compression, "--build", staged, file], {
    encoding: "utf8",
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
  });
  if (status !== 0) throw new Error(`dpkg-deb: ${stderr.trim()}`);
  rmSync(staged, { recursive: true, force: true });
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  process.stdout.write(`${path.relative(root, file)}  ${megabytes} MB\n`);
}

async function main(args) {
  const compression = args.includes("--fast") ? ["-Znone"] : ["-Zxz"];
  const words = args.filter((word) => word !== "--fast");
  const unknown = words.filter((word) => !Object.hasOwn(architectures, word));
  if (unknown.length > 0) {
    throw new Error(`No architecture ${unknown.join(", ")}. There are: ${Object.keys(architectures).join(", ")}.`);
  }
  const names = words.length > 0 ? words : Object.keys(architectures);
  const missing = [...new Set(names.flatMap(missingPackages))];
  if (missing.length > 0) {
    throw new Error(`${missing.join(", ")} missing. Install with: sudo apt-get install ${missing.join(" ")}`);
  }
  mkdirSync(output, { recursive: true });
  const date = sourceDate();
  const texts = { pages: await manual(date), completions: completions() };
  for (const name of names) await buildPackage(name, date, texts, compression);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`deb: ${error.message}\n`);
  process.exitCode = 1;
}
