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

/** When, where and on which commit something was measured, for the line above its figures. */
export function provenance(root) {
  const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const day = new Date().toISOString().slice(0, 10);
  const cores = os.availableParallelism();
  const machine = `${os.cpus()[0]?.model.trim() || process.arch}, ${cores} ${cores === 1 ? "core" : "cores"}`;
  const commit = git("rev-parse", "--short=10", "HEAD") || "no commit";
  const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " with changes";
  return `${day}, ${machine}, Node ${process.versions.node}, commit ${commit}${changed}`;
}
