/** `hearth models find`: known models that fit this machine, with what they need and how fast they are. Asks no network. */
import os from "node:os";
import { Command } from "commander";
import { configuredSizes, modelMemory } from "../daemon/model-options.js";
import { loadEngineModule } from "../engine/binding.js";
import { MachineFiles } from "../machine/files.js";
import { boardName } from "../machine/heat.js";
import { readMemory } from "../machine/memory.js";
import { knownReadRate } from "../machine/speed.js";
import { estimateKvBytes, type Sizes } from "../service/plan/sizes.js";
import { type KnownModel, knownModels } from "../store/known-models.js";
import { configurationOf } from "./configuration.js";
import { print } from "./models-store.js";
import { formatBytes, formatTable } from "./terminal.js";

interface FindFlags {
  readonly all?: true;
  readonly json?: true;
}

export interface FoundModel extends KnownModel {
  /** Weights and the KV cache of the configured context. */
  readonly memoryBytes: number;
  readonly fits: boolean;
  /** The most of one answer: as often as the memory can be read through. */
  readonly tokensPerSecond: number;
  /** The one to begin with. */
  readonly suggested: boolean;
}

/** Whoever reads along is content with this speed. */
const pleasantTokensPerSecond = 5;

export function findCommand(): Command {
  return new Command("find")
    .description(
      "known models that fit this board, with size, memory, speed and what they are good for; needs no network",
    )
    .argument("[words...]", "words of their name or use, such as code or voice")
    .option("--all", "those that do not fit too")
    .action(find);
}

async function find(words: readonly string[], _options: unknown, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<FindFlags>();
  const { config } = configurationOf(command);
  const files = new MachineFiles(config["machine.root"]);
  const board = await boardName(files);
  const memory = await readMemory(files);
  const room = Math.min(
    modelMemory(config),
    config["models.memory_bytes"] || 0.8 * (memory?.totalBytes ?? os.totalmem()),
  );
  const known = knownReadRate(board);
  const bytesPerSecond = known ?? (await loadEngineModule().measureReadBandwidth(config["engine.threads"]));
  const all = chooseModels(configuredSizes(config), room, bytesPerSecond);
  const wanted = all.filter((model) => matches(model, words) && (flags.all === true || model.fits));
  const value = {
    board,
    memoryBytes: room,
    readBytesPerSecond: bytesPerSecond,
    measured: known === null,
    models: wanted,
  };
  const about = `${board ?? "This machine"}: ${formatBytes(room)} for models, which are read at ${formatBytes(bytesPerSecond)} a second${known === null ? " (measured now)" : ""}\n\n`;
  const none = "No known model of such words fits. Without words, or with --all, there are others.\n";
  const advice = "\nTo have the service answer with one: hearth use NAME\n";
  print(flags.json === true, value, about + (wanted.length === 0 ? none : table(wanted) + advice));
}

/** All known models with what they would need here. `room`: bytes that models may take. */
export function chooseModels(sizes: Sizes, room: number, bytesPerSecond: number): readonly FoundModel[] {
  const found = knownModels.map((model) => {
    const contextTokens = Math.min(sizes.contextTokens, model.contextTrained);
    const memoryBytes = Math.round(model.fileBytes + estimateKvBytes(model, { ...sizes, contextTokens }));
    return { ...model, memoryBytes, fits: memoryBytes <= room, tokensPerSecond: bytesPerSecond / model.readBytes };
  });
  const pleasant = found.filter(({ fits, tokensPerSecond }) => fits && tokensPerSecond >= pleasantTokensPerSecond);
  const best = pleasant.reduce<(typeof found)[number] | null>(
    (a, b) => (a === null || b.parameters > a.parameters ? b : a),
    null,
  );
  return found.map((model) => ({ ...model, suggested: model.name === best?.name }));
}

function matches({ name, title, goodFor }: KnownModel, words: readonly string[]): boolean {
  const text = `${name} ${title} ${goodFor}`.toLowerCase();
  return words.every((word) => text.includes(word.toLowerCase()));
}

function table(models: readonly FoundModel[]): string {
  const rows = models.map((model) => [
    `${model.name}${model.suggested ? " *" : ""}`,
    formatBytes(model.fileBytes),
    formatBytes(model.memoryBytes),
    model.fits ? formatSpeed(model.tokensPerSecond) : "does not fit",
    model.goodFor,
  ]);
  const star = models.some(({ suggested }) => suggested) ? "\n* the largest that answers as fast as you read\n" : "";
  return formatTable([["NAME", "FILE", "MEMORY", "TOKENS/S", "GOOD FOR"], ...rows]) + star;
}

/** At most: what the memory allows. */
function formatSpeed(tokensPerSecond: number): string {
  if (tokensPerSecond >= 100) return "over 100";
  return `up to ${tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : Math.round(tokensPerSecond)}`;
}
