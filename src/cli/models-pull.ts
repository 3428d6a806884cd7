/** `hearth models pull`: downloads a model into the store. */
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { MachineTuner } from "../daemon/machine-tuner.js";
import { wishedSizes } from "../daemon/model-options.js";
import { ModelPlanner } from "../daemon/model-planner.js";
import { pullSettings } from "../daemon/pull-settings.js";
import { describeMemory, describeSpeed } from "../service/plan/describe.js";
import { typeName } from "../store/model-description.js";
import type { SourceClient } from "../store/pull/http.js";
import type { PullPlan } from "../store/pull/sources.js";
import { describeStored } from "./models-list.js";
import { openStore, print, type StoreCommand, sayStore, withProgress } from "./models-store.js";
import { fileOnDisk } from "./plan.js";
import { planObject } from "./plan-report.js";
import { formatBytes, printable } from "./terminal.js";

export function pullCommand(): Command {
  return new Command("pull")
    .description("download a model into the store; an interrupted pull goes on where it stopped")
    .argument("<source>", "hf:owner/repo[:file or quantization], an https address, or a name of Ollama's library")
    .option("--name <name>", "name of the model in the store; without it the source's")
    .option("--alias <name>", "another name for it")
    .action(pull);
}

async function pull(source: string, _options: unknown, command: Command): Promise<void> {
  const opened = openStore<{ name?: string; alias?: string }>(command);
  const { config, store, flags } = opened;
  const json = flags.json === true;
  // Only now: it takes time to load, and the other commands do without it.
  const { defaultPullSettings, pullModel } = await import("../store/pull/model-pull.js");
  const settings = { ...defaultPullSettings, ...pullSettings(config, process.env) };
  const { model, upToDate } = await withProgress(json, (onProgress, signal, say) => {
    const onStart = async (plan: PullPlan, client: SourceClient) => say(await planLines(plan, client, opened, signal));
    return pullModel(store, source, settings, { name: flags.name, onProgress, onStart, signal, trustAddress: true });
  });
  if (flags.alias !== undefined) await store.addAlias(model.name, flags.alias);
  const { type, architecture } = model.description;
  const what = upToDate ? "is in the store already" : "in the store";
  const text = `${model.name}: ${formatBytes(model.bytes)}, ${type} ${architecture}, ${what}\n`;
  print(json, { ...describeStored(store.get(model.name)), upToDate, store: store.folder }, text);
  sayStore(opened);
}

/** Planning must not hold up what was asked for. */
const patience = { attempts: 2, firstMs: 100, longestMs: 100, unresolvedMs: 1000 };

/** One or two lines of what the model will take and how fast it will be, from its header; none where that cannot be read yet. */
async function planLines(
  { name, files }: PullPlan,
  client: SourceClient,
  { config, loaded, state, engineModule, store, flags }: StoreCommand<object>,
  signal: AbortSignal,
): Promise<string> {
  const wish = wishedSizes(loaded);
  const planner = new ModelPlanner(config, engineModule, new MachineTuner(config, state, engineModule, systemClock));
  try {
    const { readRemoteHeads } = await import("../store/pull/remote-head.js");
    const heads = await readRemoteHeads(engineModule, files, { client, retry: patience, onRetry: () => {}, signal });
    const planned = await planner.plan(heads, { memoryBytes: 0, process: "daemon", wish });
    const { memory } = planned;
    const speeds = await planner.measureSpeeds(memory, fileOnDisk(store));
    const prediction = planner.predict(memory, speeds);
    if (flags.json === true) {
      const facts = { name, type: typeName(planned.model), limit: memory.limit, planned, speeds, prediction };
      return `${JSON.stringify({ phase: "plan", plan: planObject(facts) })}\n`;
    }
    const speed = describeSpeed(prediction);
    return `${describeMemory(memory, planned.wish)}\n${speed === null ? "" : `${speed}\n`}`;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HearthError) || error.code.startsWith("PULL_")) return ""; // the download says what it is
    const { code, message } = error;
    return flags.json === true
      ? `${JSON.stringify({ phase: "plan", problem: { code, message } })}\n`
      : `this version of hearth cannot run it: ${printable(message)}\n`;
  }
}
