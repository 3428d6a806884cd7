/** `hearth models show`: what a model is, and the memory that it takes. */
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { MachineTuner } from "../daemon/machine-tuner.js";
import { resolveModel } from "../daemon/model-file.js";
import { ModelPlanner } from "../daemon/model-planner.js";
import type { EngineModule } from "../engine/contract.js";
import { describeModel } from "../store/model-description.js";
import { readLocalHeads } from "../store/model-head.js";
import { openStore, print, type StoreCommand } from "./models-store.js";
import { formatBytes, formatCount, formatTable, printable } from "./terminal.js";

/** Contexts whose memory is shown, as far as the model was trained for them. */
const contexts = [2048, 8192, 32_768, 131_072];

export function showCommand(): Command {
  return new Command("show")
    .description("what a model is, and the memory that it takes")
    .argument("<model>", "name of the store, or GGUF file")
    .option("--template", "print the chat template alone")
    .action(show);
}

async function show(name: string, _options: unknown, command: Command): Promise<void> {
  const opened = openStore<{ template?: true }>(command);
  const { store, engineModule, flags } = opened;
  const { name: modelName, path } = resolveModel(name, store);
  const stored = store.find(modelName);
  const paths = stored?.path === path ? stored.paths : [path];
  const description = await describeModel(engineModule, paths);
  const { chatTemplate } = await engineModule.describeFile(path);
  if (flags.template) {
    const text = chatTemplate === null ? "" : `${printableLines(chatTemplate)}\n`;
    print(flags.json === true, { name: modelName, chatTemplate }, text);
    return;
  }
  const problem = await problemOf(engineModule, path);
  const memory = problem === null ? await memoryWith(opened, path, description.contextTrained) : [];
  const value = {
    name: modelName,
    aliases: stored?.aliases ?? [],
    source: stored?.source ?? null,
    addedAt: stored?.addedAt ?? null,
    files: stored?.files ?? null,
    path,
    ...description,
    chatTemplate,
    memory,
    problem,
  };
  const rows = [
    ["name", [modelName, ...value.aliases].join(", ")],
    ["title", printable(description.title)],
    ["architecture", printable(description.architecture)],
    ["parameters", formatCount(description.parameters)],
    ["type", printable(description.type)],
    ["context", `${description.contextTrained} tokens trained`],
    ["layers", `${description.layers} of width ${description.embedding}`],
    ["template", chatTemplate === null ? "none: it continues texts" : templateSummary(chatTemplate)],
    ["from", printable(value.source ?? "")],
    ["file", path],
    ...(stored?.files ?? []).map(({ sha256 }) => ["sha256", sha256]),
    ...memory.map(({ context, bytes }) => ["memory", `${formatBytes(bytes)} with a context of ${context}`]),
    ...(problem === null ? [] : [["cannot run", printable(problem)]]),
  ].filter(([, text]) => text !== "");
  print(flags.json === true, value, formatTable(rows));
}

/** Why the engine cannot run the file; null: it can. */
async function problemOf(engineModule: EngineModule, path: string): Promise<string | null> {
  try {
    await engineModule.loadModel(path, { vocabularyOnly: false });
    return null;
  } catch (error) {
    if (error instanceof HearthError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** All that one conversation takes, as `hearth plan` counts it. */
async function memoryWith(
  { config, engineModule, state }: StoreCommand<object>,
  path: string,
  trained: number,
): Promise<{ context: number; bytes: number }[]> {
  const planner = new ModelPlanner(config, engineModule, new MachineTuner(config, state, engineModule, systemClock));
  const shown = contexts.filter((context) => context < trained);
  const all = [...shown, Math.min(trained, contexts.at(-1) ?? trained)];
  const bytes = await planner.conversationBytes(await readLocalHeads(engineModule, path), all);
  return all.map((context, i) => ({ context, bytes: bytes[i] ?? 0 }));
}

function templateSummary(template: string): string {
  const lines = template.split("\n").length;
  return `${template.length} characters${lines > 1 ? ` in ${lines} lines` : ""} (--template prints it)`;
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
