/**
 * Real trained models against llama.cpp and Jinja2, and what they answer, on demand: the models and both are installed into a cache.
 * --only=WORD runs those whose name has the word, --write writes docs/models.md.
 */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fetchModel, python } from "../models/fetch.mjs";
import { run } from "./command.mjs";
import { oneLine, readChecks, sayRow, total, writeTable } from "./outcomes.mjs";

export const modelsSuite = { name: "models", long: true, run: runModels };

const limitSeconds = 2400;

const models = [
  { name: "smollm2-135m", about: "SmolLM2-135M-Instruct, Q4_1" },
  { name: "gemma3-270m", about: "Gemma 3 270M, Q4_K_M" },
  { name: "qwen2.5-coder-0.5b", about: "Qwen2.5-Coder-0.5B-Instruct, Q4_K_M" },
];

async function runModels(root, options) {
  const only = options.find((option) => option.startsWith("--only="))?.slice("--only=".length);
  const logs = path.join(root, "build", "models");
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });

  const rows = [];
  for (const { name, about } of models.filter((model) => !only || model.name.includes(only))) {
    const log = path.join(logs, `${name}.log`);
    let checks;
    try {
      const file = await fetchModel(root, name, log);
      const args = ["--import", "tsx", path.join(root, "test", "models", "check-model.mjs"), file, await python(log)];
      checks = readChecks(await run(root, process.execPath, args, { log, limitSeconds }));
    } catch (error) {
      checks = [{ check: "fetch", outcome: "skipped", detail: error.message }];
    }
    rows.push({ about, checks });
    sayRow(about, checks);
    if (options.includes("--write")) write(root, rows);
  }
  return { ...total(rows), note: `logs in ${path.relative(root, logs)}` };
}

function write(root, rows) {
  writeTable(root, "models.md", "checked", {
    keys: 2,
    header: ["model", "check", "outcome", "figures, or why not"],
    rows: rows.flatMap(({ about, checks }) =>
      checks.map(({ check, outcome, detail }) => [about, check, outcome, oneLine(detail, 200)]),
    ),
  });
}
