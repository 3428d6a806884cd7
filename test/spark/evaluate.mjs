/**
 * Measures Spark on its held-out sets as clients have it: a daemon of this checkout is asked, greedily, on two threads.
 * `npm run spark:evaluate [-- --model FILE.gguf] [--only SET,SET] [--failures] [--data FOLDER]`: another model than the shipped
 * file; some of the sets commands, refusals, questions, stories, today, states, tools, idle, perplexity; each wrong answer; the
 * sets of another folder that models/spark/heldout.py wrote. Exits with 1 when a figure is below its target.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { startDaemon } from "../bench/daemon.mjs";
import { root } from "../helpers/shared.ts";
import { heldOut } from "./dialogues.ts";
import { figures, firstSets, measure, todaySets } from "./measure.ts";
import { openModel, perplexity } from "./perplexity.ts";

const known = [...firstSets, ...todaySets, "perplexity"];
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: path.join(root, "models", "spark", "spark-q8_0.gguf") },
    data: { type: "string", default: heldOut },
    only: { type: "string", default: known.join(",") },
    failures: { type: "boolean", default: false },
  },
});
const sets = options.only.split(",");
const unknown = sets.filter((set) => !known.includes(set));
if (unknown.length > 0) throw new Error(`There is no set ${unknown.join(", ")}; --only takes ${known.join(", ")}`);

const settings = {
  HEARTH_CONFIG: "/dev/null",
  HEARTH_AUTO_TUNE: "false",
  HEARTH_CONTEXT_TOKENS: "8192",
  HEARTH_SLOTS: "2",
  HEARTH_THREADS: "2",
};

async function judgeAll() {
  const daemon = await startDaemon(path.resolve(options.model), settings);
  try {
    return await measure(daemon.url, sets, options.data);
  } finally {
    await daemon.stop();
  }
}

function show({ row, answers }) {
  console.log(`${row.id} ${JSON.stringify(row.messages.at(-1)?.content)}`);
  console.log(`  wanted ${JSON.stringify(row.expect)}`);
  console.log(`  got ${answers.map((one) => JSON.stringify(one)).join("\n  then ")}`);
}

function print(table) {
  const width = Math.max(...table.map(({ what }) => what.length));
  for (const { what, right, total, target } of table) {
    const missed = right < target ? "  MISSED" : "";
    console.log(
      `${what.padEnd(width)}  ${String(right).padStart(4)} of ${String(total).padStart(3)}  target ${String(target).padStart(3)}${missed}`,
    );
    if (missed) process.exitCode = 1;
  }
}

if (sets.some((set) => set !== "perplexity")) {
  const judged = await judgeAll();
  if (options.failures) for (const one of judged.filter(({ right }) => !right)) show(one);
  print(figures(judged));
}
if (sets.includes("perplexity")) {
  const { model, engine } = await openModel(options.model);
  const { value } = await perplexity(engine, model, readFileSync(path.join(options.data, "dialogues.txt"), "utf8"));
  console.log(`perplexity of the held-out dialogues: ${value.toFixed(4)}`);
  await engine.close();
}
