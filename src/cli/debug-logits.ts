/** `hearth debug logits`: the logits of given tokens as a file of float32, [tokens, vocabulary], row-major, little-endian. */
import { closeSync, constants, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { reasonOf } from "../base/files.js";
import { loadEngineModule } from "../engine/binding.js";
import type { Engine } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";
import { stepAlone } from "../engine/step-alone.js";
import { tokenIds } from "./arguments.js";
import { configurationOf } from "./configuration.js";
import { namedModel } from "./model.js";
import { print } from "./models-store.js";

/** Tokens of one step: bounds the memory of their logits, 128,000 floats each in large vocabularies. */
const stepTokens = 64;

export function logitsCommand(): Command {
  return new Command("logits")
    .description("write the logits after each of the given tokens")
    .argument("<model>", "GGUF file or name of the store")
    .requiredOption("--tokens <ids>", 'token ids, such as "1 2 3"', tokenIds)
    .requiredOption("--out <file>", "file for float32 logits, tokens x vocabulary, little-endian")
    .action(debugLogits);
}

async function debugLogits(
  modelName: string,
  { tokens, out }: { tokens: Int32Array; out: string },
  command: Command,
): Promise<void> {
  const { config, state } = configurationOf(command);
  const engineModule = loadEngineModule();
  const { path } = namedModel(modelName, state, engineModule);
  const model = await engineModule.loadModel(path, { vocabularyOnly: false });
  const engine = await engineModule.createEngine(model, {
    threads: config["engine.threads"],
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens: tokens.length,
    kvTokens: tokens.length,
    kvType: config["kv.type"],
    maxBatchTokens: stepTokens,
    isa: config["engine.isa"],
  });
  try {
    await writeWhole(out, (write) => writeLogits(engine, tokens, write));
  } finally {
    await engine.close();
  }
  print(command.optsWithGlobals().json === true, { file: out, tokens: tokens.length }, "");
}

async function writeLogits(engine: Engine, tokens: Int32Array, write: (data: Uint8Array) => void): Promise<void> {
  const sequence = engine.openSequence(greedySampler);
  for (let start = 0; start < tokens.length; start += stepTokens) {
    const piece = tokens.slice(start, start + stepTokens);
    const { logits } = await stepAlone(engine, { sequence, tokens: piece, sample: false, logits: "all" });
    // The boards and machines that Node runs on are little-endian, as the file has to be.
    write(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  }
}

/** Runs `produce`, and puts the file into its place only when it is whole. FILE_WRITE_FAILED. */
async function writeWhole(path: string, produce: (write: (data: Uint8Array) => void) => Promise<void>): Promise<void> {
  const partial = `${path}.partial`;
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new HearthError("FILE_WRITE_FAILED", `${path}: ${reasonOf(error)}.`, { cause: error });
    }
  };
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
  const file = attempt(() => openSync(partial, flags));
  try {
    await produce((data) => {
      for (let done = 0; done < data.length; ) done += attempt(() => writeSync(file, data, done));
    });
    attempt(() => renameSync(partial, path));
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}
