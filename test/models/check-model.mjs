/** Checks one model file: check-model.mjs FILE PYTHON, where PYTHON has Jinja2. Prints a line of JSON for each check. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkAnswers } from "./answers.mjs";
import { checkTemplate } from "./templates.mjs";
import { checkTokens } from "./tokens.mjs";

const [file = "", python = ""] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "hearth-models-"));
try {
  await checkTemplate(file, python);
  await checkTokens(file, folder);
  await checkAnswers(file);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
