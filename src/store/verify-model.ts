/** Reads the files of a stored model again and compares their digests with those that the model was added with. */
import { HearthError } from "../base/errors.js";
import { statIfThere } from "./durable-files.js";
import { hashFile } from "./file-digest.js";
import type { StoredModel } from "./model-store.js";

/** `onBytes` is told how many more bytes were read. STORE_DAMAGED says which file is not what was added, FILE_READ_FAILED. */
export async function verifyModel(
  model: Pick<StoredModel, "name" | "files" | "paths">,
  onBytes: (bytes: number) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  for (const [i, { bytes, sha256 }] of model.files.entries()) {
    const file = model.paths[i] ?? "";
    const there = await statIfThere(file);
    const damaged = (what: string) => new HearthError("STORE_DAMAGED", `${model.name}: ${file} ${what}.`);
    if (!there) throw damaged("is missing");
    if (there.size !== bytes) throw damaged(`has ${there.size} bytes and should have ${bytes}`);
    const hash = await hashFile(file, onBytes, signal);
    if (hash !== sha256) throw damaged(`has the SHA-256 ${hash} and should have ${sha256}`);
  }
}
