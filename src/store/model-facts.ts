/** Facts of model files, kept as long as the files stay the same: lists of models are asked for every few seconds. */
import { stat } from "node:fs/promises";
import path from "node:path";
import type { EngineModule } from "../engine/contract.js";
import { describeModel, type ModelDescription } from "./model-description.js";
import { splitParts } from "./split-files.js";

export interface ModelFacts extends ModelDescription {
  /** The bytes of all its files. */
  readonly bytes: number;
  /** Jinja; null where the file has none. */
  readonly chatTemplate: string | null;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** More than a machine has models. */
const mostKept = 256;

export class FactsReader {
  readonly #engine: EngineModule;
  readonly #kept = new Map<string, { readonly stamp: string; readonly facts: ModelFacts }>();

  constructor(engine: EngineModule) {
    this.#engine = engine;
  }

  /** The facts of a model by its first file; null where that is not there or no sound GGUF file. */
  async read(file: string): Promise<ModelFacts | null> {
    try {
      const { size, mtimeMs } = await stat(file);
      const stamp = `${size} ${mtimeMs}`;
      const kept = this.#kept.get(file);
      if (kept?.stamp === stamp) return kept.facts;
      const facts = await this.#look(file, mtimeMs);
      if (this.#kept.size >= mostKept) this.#kept.clear();
      this.#kept.set(file, { stamp, facts });
      return facts;
    } catch {
      return null; // the list is not the place to say so: whoever asks for the model hears it
    }
  }

  async #look(file: string, modifiedAt: number): Promise<ModelFacts> {
    const names = splitParts(path.basename(file))?.names ?? [path.basename(file)];
    const files = names.map((name) => path.join(path.dirname(file), name));
    const description = await describeModel(this.#engine, files);
    const sizes = await Promise.all(files.map(async (each) => (await stat(each)).size));
    const { chatTemplate } = await this.#engine.describeFile(file);
    return { ...description, bytes: sizes.reduce((sum, size) => sum + size, 0), chatTemplate, modifiedAt };
  }
}
