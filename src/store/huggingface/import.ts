/** Converts a Hugging Face folder into the store. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { checkRoom, inheritOwner, storing } from "../durable-files.js";
import { hashFile } from "../file-digest.js";
import { checkModelName, toModelName } from "../model-names.js";
import type { ModelStore, StoredModel } from "../model-store.js";
import { type OnProgress, revisionOf } from "../progress.js";
import { convertHuggingFace } from "./convert.js";
import { Folder } from "./folder.js";
import { readSafetensors } from "./safetensors.js";

export interface FolderImportOptions {
  /** Without it the folder's name. */
  readonly name?: string | undefined;
  /** A mix of types to quantize to; without it matrices keep their type. */
  readonly type?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The codes of convertHuggingFace, DISK_FULL, MODEL_EXISTS, MODEL_NAME_INVALID, STORE_BUSY. */
export async function importFolder(
  store: ModelStore,
  folder: string,
  { type, signal, ...options }: FolderImportOptions = {},
): Promise<StoredModel> {
  const { onProgress = () => {} } = options;
  const source = path.resolve(folder);
  const name = checkModelName(options.name ?? toModelName(path.basename(source)));
  const files = await Promise.all(
    (await readSafetensors(new Folder(source))).files.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return { file, bytes: size, changed: mtimeMs };
    }),
  );
  const addition = await store.begin(name, revisionOf([type ?? "", files]));
  try {
    store.checkFree(name, null);
    const sourceBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    // The size of a mix of types is known when it is written; the writer reserves it before it starts.
    if (type === undefined) await storing(addition.folder, () => checkRoom(addition.folder, sourceBytes));
    const target = addition.file(0, 1);
    await convertHuggingFace(
      store.engine,
      source,
      target,
      { name: path.basename(source), ...(type !== undefined && { type }), ...(signal && { signal }) },
      ({ doneBytes, totalBytes }) => onProgress({ phase: "convert", completed: doneBytes, total: totalBytes }),
    );
    await storing(target, () => inheritOwner(target));
    const { size: bytes } = await stat(target);
    let completed = 0;
    const sha256 = await hashFile(
      target,
      (read) => {
        completed += read;
        onProgress({ phase: "verify", completed, total: bytes });
      },
      signal,
    );
    return await addition.commit(source, [{ bytes, sha256 }]);
  } catch (error) {
    await addition.release({ discard: true });
    throw error;
  }
}
