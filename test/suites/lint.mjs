/** Format, lint, types and the beginnings of comments, one test each. */
import { findProgram } from "../../deploy/files.mjs";
import { run, skip } from "./command.mjs";

export async function lint(root) {
  const checks = [
    ["node_modules/.bin/biome", ["check", "."]],
    ["node_modules/.bin/tsc", ["--noEmit", "--project", "test"]],
    [process.execPath, ["--import", "tsx", "deploy/lint-comments.ts"]],
  ];
  const hasClangFormat = findProgram("clang-format");
  if (hasClangFormat) checks.push([process.execPath, ["deploy/format-native.mjs", "--check"]]);

  let failed = 0;
  for (const [command, args] of checks) {
    const { status } = await run(root, command, args);
    if (status !== 0) failed += 1;
  }
  const result = { passed: checks.length - failed, failed };
  return hasClangFormat ? result : { ...result, ...skip(["clang-format"]) };
}
