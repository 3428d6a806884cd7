/**
 * Sections of a document that commands write: what stands between `<!-- NAME: ... -->` and `<!-- /NAME -->`. The first marker says which
 * command writes the section.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** The place of a section in the text of a document: from behind its first marker to its last one. Throws where there is none. */
function findSection(document, file, name) {
  const opening = new RegExp(`^<!-- ${name}:[^\\n]*-->\\n`, "m").exec(document);
  const start = opening ? opening.index + opening[0].length : -1;
  const end = document.indexOf(`<!-- /${name} -->`, Math.max(start, 0));
  if (start < 0 || end < 0)
    throw new Error(`${file} has no section ${name}: <!-- ${name}: ... --> and <!-- /${name} -->`);
  return { start, end };
}

export function readSection(root, file, name) {
  const document = readFileSync(path.join(root, file), "utf8");
  const { start, end } = findSection(document, file, name);
  return document.slice(start, end).trim();
}

/** Replaces a section by `text` and formats the document. */
export function writeSection(root, file, name, text) {
  const target = path.join(root, file);
  const document = readFileSync(target, "utf8");
  const { start, end } = findSection(document, file, name);
  writeFileSync(target, `${document.slice(0, start)}\n${text.trim()}\n\n${document.slice(end)}`);
  spawnSync(path.join(root, "node_modules", ".bin", "biome"), ["format", "--write", target], { stdio: "ignore" });
}

/** AMD's families and models by generation: a virtual machine says no more than "EPYC". */
const generations = [
  { name: "Zen 2", family: 23, from: 49, to: 255 },
  { name: "Zen 3", family: 25, from: 0, to: 15 },
  { name: "Zen 3", family: 25, from: 32, to: 95 },
  { name: "Zen 4", family: 25, from: 16, to: 31 },
  { name: "Zen 4", family: 25, from: 96, to: 175 },
  { name: "Zen 5", family: 26, from: 0, to: 255 },
];

/** The processor's name, and its generation where that is known. */
function processor() {
  const name = os.cpus()[0]?.model.trim() || process.arch;
  if (!name.startsWith("AMD")) return name;
  const facts = readFileSync("/proc/cpuinfo", "utf8");
  const number = (key) => Number(new RegExp(`^${key}\\s*: (\\d+)$`, "m").exec(facts)?.[1]);
  const [family, model] = [number("cpu family"), number("model")];
  const known = generations.find((each) => each.family === family && model >= each.from && model <= each.to);
  return known ? `${name} (${known.name})` : name;
}

/** How busy the machine was when the program started: figures of a busy one say little. */
const loadAtStart = os.loadavg()[0] ?? 0;
export const load = `load ${loadAtStart.toFixed(1)} at the start`;
export const isBusy = loadAtStart > 0.5;

/** When, where and on which commit something was measured, for the line above its figures. */
export function provenance(root) {
  const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const day = new Date().toISOString().slice(0, 10);
  const cores = os.availableParallelism();
  const machine = `${processor()}, ${cores} ${cores === 1 ? "core" : "cores"}`;
  const commit = git("rev-parse", "--short=10", "HEAD") || "no commit";
  const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " with changes";
  return `${day}, ${machine}, Node ${process.versions.node}, commit ${commit}${changed}`;
}
