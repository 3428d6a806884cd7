/** The model that a command's argument means. */
import type { Config } from "../config/options.js";
import { type ModelFile, openModelStore, resolveModel } from "../daemon/model-file.js";
import type { EngineModule } from "../engine/contract.js";

/** A file, a name of the store, or the model that comes with hearth. FILE_OPEN_FAILED, MODEL_NOT_FOUND. */
export function namedModel(name: string, config: Config, engineModule: EngineModule): ModelFile {
  return resolveModel(name, openModelStore(config, process.env, engineModule));
}
