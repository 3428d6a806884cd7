/** `hearth plan`: what a model would take of the memory and how fast it would be, before anything is downloaded or loaded. */
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { formatBytes } from "../base/figures.js";
import { MachineTuner } from "../daemon/machine-tuner.js";
import { resolveModel } from "../daemon/model-file.js";
import { wishedSizes } from "../daemon/model-options.js";
import { ModelPlanner } from "../daemon/model-planner.js";
import { pullSettings } from "../daemon/pull-settings.js";
import type { FileHead } from "../engine/contract.js";
import { neededBytes, type SizeName, type Wish } from "../service/plan/sizes.js";
import { typeName } from "../store/model-description.js";
import { readLocalHeads } from "../store/model-head.js";
import type { ModelStore } from "../store/model-store.js";
import { integerBetween } from "./arguments.js";
import { memorySize } from "./memory-size.js";
import { openStore, print, type StoreCommand, withProgress } from "./models-store.js";
import { type PlanFacts, planObject, planTable } from "./plan-report.js";

interface PlanFlags {
  readonly memory?: number;
  readonly context?: number;
  readonly slots?: number;
}

export function planCommand(): Command {
  return new Command("plan")
    .description("what a model would take of the memory, and how fast it would be here; downloads and loads nothing")
    .argument(
      "<model>",
      "name of the store, GGUF file, hf:owner/repo[:file or quantization], ollama:name, or an https address",
    )
    .option("--memory <size>", "of the whole process, such as 3000MB or 4G; else what there is", memorySize("--memory"))
    .option("--context <tokens>", "else as configured, or what fits", integerBetween("--context", 16, 1_048_576))
    .option(
      "--slots <n>",
      "answers at the same time; else as configured, or what fits",
      integerBetween("--slots", 1, 64),
    )
    .action(runPlan);
}

/** The heads of a model's files, and a file on the disk that weights would be read from. */
interface Found {
  readonly name: string;
  readonly heads: readonly FileHead[];
  readonly diskFile: string | null;
}

async function runPlan(asked: string, _options: unknown, command: Command): Promise<void> {
  const opened = openStore<PlanFlags>(command);
  const { config, loaded, state, engineModule, flags } = opened;
  const json = flags.json === true;
  const { name, heads, diskFile } = await findModel(asked, opened);
  const tuner = new MachineTuner(config, state, engineModule, systemClock);
  const planner = new ModelPlanner(config, engineModule, tuner);
  const wish = withFlags(wishedSizes(loaded), flags);
  const planned = await planner.plan(heads, { memoryBytes: flags.memory ?? 0, process: "daemon", wish });
  const speeds = await planner.measureSpeeds(planned.memory, diskFile);
  const prediction = planner.predict(planned.memory, speeds);
  const limit = flags.memory === undefined ? planned.memory.limit : "--memory";
  const facts: PlanFacts = { name, type: typeName(planned.model), limit, planned, speeds, prediction };
  print(json, planObject(facts), planTable(facts));
  if (!planned.fits) throw doesNotFit(facts);
}

function withFlags(wish: Wish, { context, slots }: PlanFlags): Wish {
  const named = [...(context === undefined ? [] : ["contextTokens"]), ...(slots === undefined ? [] : ["slots"])];
  return {
    ...wish,
    contextTokens: context ?? wish.contextTokens,
    slots: slots ?? wish.slots,
    fixed: new Set([...wish.fixed, ...(named as SizeName[])]),
  };
}

/** A source of pulls that says so itself: other words are names of the store, or files. */
const sourcePattern = /^(?:https?:\/\/|hf:|hf\.co\/|huggingface\.co\/|ollama:)/i;

async function findModel(asked: string, opened: StoreCommand<PlanFlags>): Promise<Found> {
  const { engineModule, store } = opened;
  if (sourcePattern.test(asked)) return findRemote(asked, opened);
  try {
    const { name, path } = resolveModel(asked, store);
    return { name, heads: await readLocalHeads(engineModule, path), diskFile: path };
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== "MODEL_NOT_FOUND") throw error;
    const advice = `Name a model that \`hearth models list\` shows, or say where it is: hf:owner/repo:Q4_K_M, ollama:${asked.slice(0, 80)}, https://...`;
    throw new HearthError("MODEL_NOT_FOUND", error.message, { param: "model", advice, cause: error });
  }
}

async function findRemote(asked: string, opened: StoreCommand<PlanFlags>): Promise<Found> {
  const { config, engineModule, store, flags } = opened;
  const { defaultPullSettings, openSource } = await import("../store/pull/model-pull.js");
  const { readRemoteHeads } = await import("../store/pull/remote-head.js");
  const configured = pullSettings(config, process.env);
  const settings = { ...defaultPullSettings, ...configured, ...(flags.memory && { budgetBytes: flags.memory }) };
  const { client, resolve } = openSource(asked, settings, true);
  return withProgress(flags.json === true, async (show, signal) => {
    const asking = { phase: "resolve", completed: 0, total: 0 } as const;
    const onRetry = (retrying: string) => show({ ...asking, retrying });
    const plan = await resolve(signal, onRetry);
    const heads = await readRemoteHeads(engineModule, plan.files, { client, retry: settings.retry, onRetry, signal });
    return { name: plan.name, heads, diskFile: fileOnDisk(store) };
  });
}

/** A file that is as far away as the store's: its largest model, or the program's own. */
export function fileOnDisk(store: ModelStore): string {
  const largest = store.scan().models.toSorted((a, b) => b.bytes - a.bytes)[0];
  return largest?.paths[0] ?? process.execPath;
}

function doesNotFit({ name, planned }: PlanFacts): HearthError {
  const { memory, fitting } = planned;
  const message = `${name} needs ${formatBytes(neededBytes(memory))} with these settings, and may have ${formatBytes(memory.budgetBytes)}.`;
  const advice =
    fitting.length > 0
      ? `It would fit with ${fitting.join(", or with ")}.`
      : "No settings make it fit: choose a smaller model, or give it more memory.";
  return new HearthError("MODEL_DOES_NOT_FIT", message, { param: "model", advice });
}
