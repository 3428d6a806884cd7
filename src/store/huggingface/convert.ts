/** A Hugging Face folder (safetensors, config.json, tokenizer.json) to a GGUF file. The engine does the tensors. */
import path from "node:path";
import type { EngineModule, ImportKey, ImportTensor, QuantizeReport, QuantizeWatch } from "../../engine/contract.js";
import { type ModelConfig, readConfig } from "./config.js";
import { Folder } from "./folder.js";
import { readSafetensors } from "./safetensors.js";
import { mapTensors } from "./tensors.js";
import { readTokenizer } from "./tokenizer.js";

export interface ConvertOptions {
  /** `general.name`; without it the folder's name. */
  readonly name?: string;
  /** A mix of types to quantize to; without it matrices keep their type. */
  readonly type?: string;
  /** 0: one per physical core. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes `outFile`, which appears when it is complete. IMPORT_UNSUPPORTED and IMPORT_BAD_TENSOR for what is wrong with the
 * folder; the codes of quantize_model.
 */
export async function convertHuggingFace(
  engine: EngineModule,
  folder: string,
  outFile: string,
  options: ConvertOptions = {},
  onProgress?: QuantizeWatch["onProgress"],
): Promise<QuantizeReport> {
  const source = new Folder(folder);
  const config = await readConfig(source);
  const safetensors = await readSafetensors(source);
  const tensors: ImportTensor[] = mapTensors(config, safetensors);
  const keys = [
    ...generalKeys(config, options.name ?? path.basename(source.path)),
    ...(await readTokenizer(source, config)),
  ];
  return engine.importModel(
    { files: safetensors.files, keys, tensors, ropeFactors: config.ropeFactors ?? new Float32Array() },
    outFile,
    { type: options.type ?? "", threads: options.threads ?? 0, pure: false, allowRequantize: false },
    { ...(onProgress && { onProgress }), ...(options.signal && { signal: options.signal }) },
  );
}

function generalKeys(config: ModelConfig, name: string): ImportKey[] {
  return [
    { name: "general.architecture", value: config.architecture },
    { name: "general.type", value: "model" },
    { name: "general.name", value: name },
    ...config.keys,
  ];
}
