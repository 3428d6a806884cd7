/**
 * Spark in a real Home Assistant: `npm run test:home -- FOLDER [--model FILE.gguf] [--homes small,large]`. FOLDER (or HA_ROOT) is the
 * root folder of a system with Home Assistant, of 2026.9 or later, in the virtual environment /opt/ha, with all that its
 * integrations demo, conversation, ollama, input_boolean, script and scene import; "/" where it is installed on this machine. Needs root, and python3.
 * Two random homes are made there, named by words that training never has: one of 28 things and one of 159. Prints how many of 54
 * commands do just what was asked in each. Exits with 1 where what Home Assistant sends has a shape that training lacks (models/spark/recorded.py), or
 * where fewer commands are right than promised.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startDaemon } from "../bench/daemon.mjs";
import { commandsOf } from "./commands.mjs";
import { lacks, pause, startHomeAssistant } from "./home-assistant.mjs";
import { configurationOf, furnish, randomHome } from "./homes.mjs";
import { freePort, startRecorder } from "./recorder.mjs";

const spark = path.join(import.meta.dirname, "..", "..", "models", "spark");
/** How many things there are beside the demo's, and how many of the commands are promised to be right. */
const sizes = { small: { more: 0, promised: 46 }, large: { more: 131, promised: 40 } };
const agent = "conversation.spark";
/** The attributes that a command can change. */
const watched = [
  "brightness",
  "rgb_color",
  "current_position",
  "temperature",
  "percentage",
  "volume_level",
  "is_volume_muted",
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: path.join(spark, "spark-q8_0.gguf") },
    homes: { type: "string", default: "small,large" },
  },
});
const root = positionals[0] ?? process.env.HA_ROOT;
if (!root)
  throw new Error(
    "Name the folder with an installed Home Assistant, as an argument or in HA_ROOT; test/home/run.mjs says what it has to have",
  );
const reason = lacks(root);
if (reason) throw new Error(`Home Assistant cannot be started in ${root}: ${reason}`);
const wanted = options.homes.split(",");
for (const size of wanted)
  if (!(size in sizes)) throw new Error(`There is no home ${size}; --homes takes ${Object.keys(sizes).join(", ")}`);

async function addAgent(ha, url) {
  const entry = await ha.flow("/api/config/config_entries/flow", "ollama", { url });
  const subentries = "/api/config/config_entries/subentries/flow";
  await pause(2); // the entry is being loaded
  const step = await ha.post(subentries, { handler: [entry.entry_id, "conversation"] });
  await ha.post(`${subentries}/${step.flow_id}`, { name: "Spark", model: "spark:latest", llm_hass_api: ["assist"] });
  await pause(2);
}

const visible = ({ state, attributes }) => JSON.stringify([state, ...watched.map((key) => attributes[key])]);

/** Whether a command did what it should and no more; its answer is shown where it did not. */
async function judge(ha, { text, want, before, words }, exposed, conversation) {
  for (const [service, id, data] of before) await ha.service(service, { entity_id: id, ...data });
  await pause(before.some(([service]) => service.startsWith("lock.")) ? 2.5 : 0.1); // the demo's locks take two seconds
  const was = await ha.states();
  const said = await ha.ask(agent, text, conversation);
  await pause(0.2);
  const now = await ha.states();
  const changed = exposed.filter(
    (id) => !/^(scene|script|sensor|weather)/.test(id) && visible(was.get(id)) !== visible(now.get(id)),
  );
  const done = Object.entries(want).every(([id, holds]) => holds(now.get(id), was.get(id)));
  const heard = words === null || words.some((word) => said.speech.toLowerCase().includes(word.toLowerCase()));
  const right = done && heard && changed.every((id) => id in want);
  if (!right)
    console.log(
      `  ${JSON.stringify(text)} -> ${JSON.stringify(said.speech)}, changed: ${changed.join(", ") || "nothing"}`,
    );
  if (changed.some((id) => id.startsWith("lock."))) await pause(2.5);
  const moving = [...now.keys()].filter((id) => id.startsWith("cover.") && /ing$/.test(now.get(id).state));
  if (moving.length > 0) await ha.service("cover.stop_cover", { entity_id: moving });
  return { right, conversation: said.conversation };
}

async function measure(size, url) {
  const { more, promised } = sizes[size];
  const home = randomHome(`home:${size}`);
  const { home: ha, stop } = await startHomeAssistant(root, await freePort(), configurationOf(home, more));
  try {
    const exposed = await furnish(ha, home, more);
    await addAgent(ha, url);
    let right = 0;
    let conversation;
    const commands = commandsOf(home);
    for (const command of commands) {
      const judged = await judge(ha, command, exposed, command.follows ? conversation : undefined);
      right += judged.right ? 1 : 0;
      conversation = judged.conversation;
    }
    const missed = right < promised;
    console.log(
      `${size} home: ${right} of ${commands.length} commands are right, target ${promised}${missed ? "  MISSED" : ""}`,
    );
    if (missed) process.exitCode = 1;
  } finally {
    await stop();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), "hearth-home-"));
const daemon = await startDaemon(path.resolve(options.model), {
  HEARTH_CONFIG: "/dev/null",
  HEARTH_MODEL_ALIAS: "spark",
});
const recorder = await startRecorder(daemon.url);
try {
  for (const size of wanted) await measure(size, recorder.url);
  const file = path.join(folder, "requests.jsonl");
  writeFileSync(file, recorder.bodies.map((body) => `${JSON.stringify({ body })}\n`).join(""));
  const { status } = spawnSync("python3", ["recorded.py", file], { cwd: spark, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
} finally {
  recorder.close();
  await daemon.stop();
  rmSync(folder, { recursive: true, force: true });
}
