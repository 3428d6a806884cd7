/** Formats the C++ sources with clang-format; `--check` only tells which differ, and exits with 1 then. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder, findProgram } from "./files.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const files = ["native", "test"].flatMap((folder) => filesUnder(root, folder)).filter((file) => /\.(cc|h)$/.test(file));
const checkOnly = process.argv.includes("--check");

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

if (!findProgram("clang-format")) {
  fail("clang-format is missing. Install with: sudo apt-get install clang-format");
} else if (checkOnly) {
  const { status, stderr } = spawnSync("clang-format", ["--dry-run", "-Werror", ...files], {
    cwd: root,
    encoding: "utf8",
  });
  const differing = new Set(stderr.split("\n").flatMap((line) => /^(\S+?):\d+:\d+: error:/.exec(line)?.[1] ?? []));
  if (status !== 0) fail(`${[...differing].join("\n")}\nnot formatted. Mend with: npm run format`);
} else {
  process.exitCode = spawnSync("clang-format", ["-i", ...files], { cwd: root, stdio: "inherit" }).status ?? 1;
}
