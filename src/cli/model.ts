/** The model that a command's argument means. */
import { type ModelFile, openModelStore, resolveModel } from "../daemon/model-file.js";
import type { EngineModule } from "../engine/contract.js";

/** `state`: the state folder. A file, a name of the store, or the model that comes with hearth. FILE_OPEN_FAILED, MODEL_NOT_FOUND. */
export function namedModel(name: string, state: string, engineModule: EngineModule): ModelFile {
  return resolveModel(name, openModelStore(state, engineModule));
}
