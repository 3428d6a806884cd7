/** The chat template in a model's file. */
import { loadEngineModule } from "../../src/engine/binding.js";

export async function readTemplate(file: string): Promise<string | null> {
  const model = await loadEngineModule().loadModel(file, { vocabularyOnly: true });
  return model.info.chatTemplate;
}
