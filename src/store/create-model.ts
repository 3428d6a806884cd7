/** A model of GGUF files that are on this machine already under their hashes. */
import { stat } from "node:fs/promises";
import { HearthError } from "../base/errors.js";
import { type Blobs, checkDigest } from "./blobs.js";
import { checkModelName } from "./model-names.js";
import type { ModelSettings } from "./model-settings.js";
import type { ModelStore } from "./model-store.js";
import { revisionOf } from "./progress.js";

/**
 * `digests`: of the model's parts, in order. REQUEST_INVALID where one was not sent or is no model; MODEL_EXISTS,
 * MODEL_NAME_INVALID, STORE_BUSY and FILE_ codes.
 */
export async function createFromBlobs(
  store: ModelStore,
  blobs: Blobs,
  name: string,
  digests: readonly string[],
  settings: ModelSettings,
): Promise<void> {
  const hashes = digests.map(checkDigest);
  const sources: string[] = [];
  for (const sha256 of hashes) {
    const file = await blobs.find(sha256);
    if (file === null) {
      const message = `The file sha256:${sha256} was not sent. Send it to /api/blobs first.`;
      throw new HearthError("REQUEST_INVALID", message, { param: "files" });
    }
    sources.push(file);
  }
  const addition = await store.begin(checkModelName(name), revisionOf(hashes));
  try {
    store.checkFree(name, null);
    const files = [];
    for (const [part, source] of sources.entries()) {
      await blobs.place(source, addition.file(part, sources.length));
      files.push({ bytes: (await stat(source)).size, sha256: hashes[part] ?? "" });
    }
    await addition.commit(`sha256:${hashes[0]}`, files, settings);
  } catch (error) {
    await addition.release({ discard: true });
    throw asFaultOfRequest(error);
  }
  for (const sha256 of hashes) await blobs.forget(sha256);
}

/** A file that is no model is the fault of whoever sent it: nothing of this device failed, and to try again does not help. */
function asFaultOfRequest(error: unknown): unknown {
  if (!(error instanceof HearthError) || !error.code.startsWith("GGUF_")) return error;
  const { message, advice, cause } = error;
  return new HearthError("REQUEST_INVALID", message, { param: "files", advice, cause });
}
