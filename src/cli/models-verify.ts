/** `hearth models verify`: reads models again and compares their hashes. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { verifyModel } from "../store/verify-model.js";
import { describeFailure } from "./exit-status.js";
import { openStore, print, withProgress } from "./models-store.js";

export function verifyCommand(): Command {
  return new Command("verify")
    .description("read models again and compare their SHA-256")
    .argument("[models...]", "names of the store; without one all")
    .action(verify);
}

async function verify(names: readonly string[], _options: unknown, command: Command): Promise<void> {
  const { store, flags } = openStore(command);
  const json = flags.json === true;
  const { models, damaged } = store.scan();
  const chosen = names.length > 0 ? names.map((name) => store.get(name)) : models;
  const total = chosen.reduce((sum, { bytes }) => sum + bytes, 0);
  const failures: HearthError[] = names.length > 0 ? [] : [...damaged];
  const sound: string[] = [];
  await withProgress(json, async (show, signal) => {
    let completed = 0;
    for (const model of chosen) {
      try {
        const onBytes = (bytes: number) => {
          completed += bytes;
          show({ phase: "verify", completed, total });
        };
        await verifyModel(model, onBytes, signal);
        sound.push(model.name);
      } catch (error) {
        if (!(error instanceof HearthError) || signal.aborted) throw error;
        failures.push(error);
      }
    }
  });
  print(json, { sound }, sound.map((name) => `${name}: sound\n`).join(""));
  const last = failures.pop();
  for (const failure of failures) process.stderr.write(`${describeFailure(failure, json)}\n`);
  if (last) throw last;
}
