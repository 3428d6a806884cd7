/** `hearth models show`: what a model is, and the memory that it takes. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { resolveModel } from "../daemon/model-file.js";
import type { EngineModule, KvType, ModelInfo } from "../engine/contract.js";
import { describeModel } from "../store/model-description.js";
import { openStore, print } from "./models-store.js";
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
  const { config, store, engineModule, flags } = openStore<{ template?: true }>(command);
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
  const runnable = await runnableInfo(engineModule, path);
  const memory = "info" in runnable ? memoryOf(runnable.info, config["kv.type"]) : [];
  const problem = "problem" in runnable ? runnable.problem : null;
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

/** The engine's facts about the file, or the reason why it cannot run it. */
async function runnableInfo(
  engineModule: EngineModule,
  path: string,
): Promise<{ readonly info: ModelInfo } | { readonly problem: string }> {
  try {
    return { info: (await engineModule.loadModel(path, { vocabularyOnly: false })).info };
  } catch (error) {
    if (error instanceof HearthError) return { problem: `${error.code}: ${error.message}` };
    throw error;
  }
}

/** Weights and the KV cache of one sequence, in bytes. */
function memoryOf(info: ModelInfo, kvType: KvType): { context: number; bytes: number }[] {
  const { fileBytes, kvBytes, contextTrained } = info;
  const { perToken, perSequence } = kvBytes[kvType];
  const shown = contexts.filter((context) => context < contextTrained);
  return [...shown, Math.min(contextTrained, contexts.at(-1) ?? contextTrained)].map((context) => ({
    context,
    bytes: fileBytes + perToken * context + perSequence,
  }));
}

function templateSummary(template: string): string {
  const lines = template.split("\n").length;
  return `${template.length} characters${lines > 1 ? ` in ${lines} lines` : ""} (--template prints it)`;
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
