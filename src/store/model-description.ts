/** Descriptions of model files for lists, read from the files' headers. */
import { HearthError } from "../base/errors.js";
import type { EngineModule, ModelFileInfo } from "../engine/contract.js";

export interface ModelDescription {
  readonly architecture: string;
  /** The file's own name for the model; may be empty. */
  readonly title: string;
  /** `Q4_K_M`: the mix of types by its usual name, or else the type that holds most bytes. */
  readonly type: string;
  readonly parameters: number;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embedding: number;
  readonly hasTemplate: boolean;
}

/** A file that is a part and came alone: under another name than parts have, or without the others. */
function partsInvalid(files: readonly string[], parts: number): HearthError {
  const what = parts === 1 ? "is a whole model" : `is a part of a model of ${parts} files`;
  const named = files.length === 1 ? "one file" : `${files.length} files`;
  const message = `The file ${files[0]} ${what}, and its name stands for ${named}.`;
  return new HearthError("MODEL_PART_INVALID", message, { param: "model" });
}

/** llama.cpp's `llama_ftype`, which `general.file_type` holds. */
const fileTypes: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  7: "Q8_0",
  8: "Q5_0",
  9: "Q5_1",
  10: "Q2_K",
  11: "Q3_K_S",
  12: "Q3_K_M",
  13: "Q3_K_L",
  14: "Q4_K_S",
  15: "Q4_K_M",
  16: "Q5_K_S",
  17: "Q5_K_M",
  18: "Q6_K",
  19: "IQ2_XXS",
  20: "IQ2_XS",
  21: "Q2_K_S",
  22: "IQ3_XS",
  23: "IQ3_XXS",
  24: "IQ1_S",
  25: "IQ4_NL",
  26: "IQ3_S",
  27: "IQ3_M",
  28: "IQ2_S",
  29: "IQ2_M",
  30: "IQ4_XS",
  31: "IQ1_M",
  32: "BF16",
  36: "TQ1_0",
  37: "TQ2_0",
  38: "MXFP4",
};
/** Set beside the number where a tool guessed it. */
const guessedBit = 1024;

/** Describes all files of a model: MODEL_PART_INVALID where they are not all, or not of a model in so many parts. */
export async function describeWholeModel(engine: EngineModule, files: readonly string[]): Promise<ModelDescription> {
  const description = await describeModel(engine, files);
  const { parts } = await engine.describeFile(files[0] ?? "");
  if (parts !== files.length) throw partsInvalid(files, parts);
  return description;
}

/** `Q4_K_M`: the mix of types by its usual name, or else the type that holds most bytes. */
export function typeName({ fileType, weightType }: Pick<ModelFileInfo, "fileType" | "weightType">): string {
  return (fileType === null ? undefined : fileTypes[fileType & ~guessedBit]) ?? weightType;
}

/** Describes a model's files, or some, the first part first. GGUF_ and FILE_ codes where one is not a sound GGUF file. */
export async function describeModel(engine: EngineModule, files: readonly string[]): Promise<ModelDescription> {
  const parts = [];
  for (const file of files) parts.push(await engine.describeFile(file));
  const [first] = parts;
  if (!first) throw new RangeError("A model has at least one file.");
  return {
    architecture: first.architecture,
    title: first.name,
    type: typeName(first),
    parameters: parts.reduce((sum, { parameters }) => sum + parameters, 0),
    contextTrained: first.contextTrained,
    layers: first.layers,
    embedding: first.embedding,
    hasTemplate: first.chatTemplate !== null,
  };
}
