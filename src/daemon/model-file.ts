/** Which file a model's name or path means. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { HearthError } from "../base/errors.js";

/** The name of the model that comes with hearth, for clients. */
export const embeddedAlias = "spark";

/** Its file, beside src/ and dist/. */
const embeddedModel = fileURLToPath(new URL("../../models/spark/spark-q8_0.gguf", import.meta.url));

/** The path of the model to load; an empty name means the embedded one. FILE_OPEN_FAILED when that is missing. */
export function resolveModelPath(name: string): string {
  if (name !== "") return path.resolve(name);
  if (existsSync(embeddedModel)) return embeddedModel;
  throw new HearthError(
    "FILE_OPEN_FAILED",
    `No model was named, and the one that comes with hearth is missing: ${embeddedModel}.`,
    { param: "model.path" },
  );
}
