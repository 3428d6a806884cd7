/** `hearth use`: gives the service another model, and the one before back where that does not work. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { type ModelFile, openModelStore, resolveModel } from "../daemon/model-file.js";
import { pullSettings } from "../daemon/pull-settings.js";
import type { StatusReport } from "../daemon/status-report.js";
import { loadEngineModule } from "../engine/binding.js";
import { findKnownModel } from "../store/known-models.js";
import type { ModelStore } from "../store/model-store.js";
import { print, withProgress } from "./models-store.js";
import { checkChangeable, type OwnedService, ownedService, tryValue } from "./owner.js";
import { describeModel } from "./status-text.js";

export function useCommand(): Command {
  return new Command("use")
    .description("give the service another model; where it does not become ready, the one before stays")
    .argument(
      "<model>",
      "name of the store, of `hearth models find`, anything that `hearth models pull` takes, or a GGUF file",
    )
    .action(use);
}

async function use(name: string, _flags: object, command: Command): Promise<void> {
  const owned = await ownedService(command);
  if (typeof owned === "number") process.exit(owned);
  checkChangeable(owned, "model.path");
  const engineModule = loadEngineModule();
  const store = openModelStore(owned.state, engineModule);
  const model = await present(name, store, owned);
  // A file that this engine cannot run is refused before anybody has to wait for the service.
  const { info } = await engineModule.loadModel(model.path, { vocabularyOnly: false });
  if (!info.hasWeights) throw new HearthError("MODEL_HAS_NO_WEIGHTS", `${model.path} holds only a vocabulary.`);
  const status = await tryValue(owned, command, "model.path", JSON.stringify(written(model, store)));
  print(owned.json, status, describeUse(status));
}

/** The model, pulled where it is not there. */
async function present(name: string, store: ModelStore, { config, json }: OwnedService): Promise<ModelFile> {
  try {
    return resolveModel(name, store);
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== "MODEL_NOT_FOUND") throw error;
  }
  const known = findKnownModel(name);
  const { defaultPullSettings, pullModel } = await import("../store/pull/model-pull.js");
  const settings = { ...defaultPullSettings, ...pullSettings(config, process.env) };
  const { model } = await withProgress(json, (onProgress, signal) =>
    pullModel(store, known?.source ?? name, settings, { name: known?.name, onProgress, signal, trustAddress: true }),
  );
  return resolveModel(model.name, store);
}

/**
 * The words of the configuration for it: a name where that leads to the same file, as paths of the store change with each pull. A file
 * elsewhere may have the name of another model.
 */
function written({ name, path }: ModelFile, store: ModelStore): string {
  try {
    return resolveModel(name, store).path === path ? name : path;
  } catch (error) {
    if (error instanceof HearthError) return path;
    throw error;
  }
}

function describeUse(status: StatusReport): string {
  const model = status.models.find(({ configured }) => configured);
  return model ? `the service now answers with ${describeModel(model)}\n` : "the service is ready\n";
}
