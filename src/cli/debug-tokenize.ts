/** `hearth debug tokenize`: the token ids of texts, for comparing with other tokenizers. Needs no weights. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { Tokenizer } from "../chat/tokenizer.js";
import { loadEngineModule } from "../engine/binding.js";
import { configurationOf } from "./configuration.js";
import { namedModel } from "./model.js";
import { print } from "./models-store.js";
import { readStdin } from "./stdin.js";

export function tokenizeCommand(): Command {
  return new Command("tokenize")
    .description("stdin: a JSON array of strings; stdout: the token ids of each as a JSON array, one a line")
    .argument("<model>", "GGUF file or name of the store; one that holds only a vocabulary will do")
    .action(debugTokenize);
}

async function debugTokenize(modelName: string, _flags: object, command: Command): Promise<void> {
  const { state } = configurationOf(command);
  const engineModule = loadEngineModule();
  const { path } = namedModel(modelName, state, engineModule);
  const model = await engineModule.loadModel(path, { vocabularyOnly: true });
  const tokenizer = new Tokenizer(model);
  const rows: number[][] = [];
  for (const text of parseTexts(await readStdin())) {
    const ids = await tokenizer.encode(text, { addSpecial: false, parseSpecial: false });
    rows.push([...ids]);
  }
  const lines = rows.map((ids) => `${JSON.stringify(ids)}\n`).join("");
  print(command.optsWithGlobals().json === true, { tokens: rows }, lines);
}

function parseTexts(text: string): readonly string[] {
  const wrong = (cause?: unknown) =>
    new HearthError("COMMAND_INVALID", "stdin takes a JSON array of strings.", { cause });
  let texts: unknown;
  try {
    texts = JSON.parse(text);
  } catch (error) {
    throw wrong(error);
  }
  if (!Array.isArray(texts) || !texts.every((each) => typeof each === "string")) throw wrong();
  return texts;
}
