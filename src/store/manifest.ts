/** A manifest is the store's knowledge of a model, as a JSON file: its names, its source, its files and their hashes. */
import * as z from "zod";
import { HearthError } from "../base/errors.js";
import { checkModelName } from "./model-names.js";
import { modelSettingsSchema } from "./model-settings.js";

/** The version of the manifest's form; a later hearth may write another one. */
const format = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();
const shortText = z.string().max(4096);

const schema = z.object({
  format: z.literal(format),
  name: shortText,
  aliases: z.array(shortText).max(64),
  /** The source as it was asked for: `hf:owner/repo:Q4_K_M`, an address, a path. */
  source: shortText,
  /** ISO 8601. */
  addedAt: z.iso.datetime(),
  /** Names the folder of these files. */
  revision: z.string().regex(/^[0-9a-f]{16}$/),
  files: z
    .array(z.object({ name: z.string().regex(/^model(-\d{5}-of-\d{5})?\.gguf$/), bytes: count, sha256 }))
    .max(1000),
  /** The model whose files these are, where it has none itself. */
  base: shortText.optional(),
  settings: modelSettingsSchema.optional(),
  description: z.object({
    architecture: shortText,
    title: shortText,
    type: shortText,
    parameters: count,
    contextTrained: count,
    layers: count,
    embedding: count,
    hasTemplate: z.boolean(),
  }),
});

export type Manifest = Readonly<z.infer<typeof schema>>;
export type ManifestFile = Manifest["files"][number];

export function makeManifest(fields: Omit<Manifest, "format">): Manifest {
  return { format, ...fields };
}

/** STORE_DAMAGED with the file's name when the text is no manifest. */
export function readManifest(text: string, file: string): Manifest {
  try {
    const manifest = schema.parse(JSON.parse(text));
    for (const name of [manifest.name, ...manifest.aliases]) checkModelName(name);
    if (manifest.files.length > 0 === (manifest.base !== undefined))
      throw new Error("it names neither files nor a base");
    return manifest;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new HearthError("STORE_DAMAGED", `${file} cannot be read: ${why}`, { cause: error });
  }
}

export function writeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The name of the n-th of `parts` files: parts find one another by these names. */
export function fileName(part: number, parts: number): string {
  const digits = (number: number) => String(number).padStart(5, "0");
  return parts === 1 ? "model.gguf" : `model-${digits(part + 1)}-of-${digits(parts)}.gguf`;
}
