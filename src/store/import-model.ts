/** Copies a GGUF file, and its parts where it is split, into the store. */
import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { checkRoom, inheritOwner, renameDurably, storing, writeAt } from "./durable-files.js";
import { describeWholeModel } from "./model-description.js";
import { checkModelName, toModelName } from "./model-names.js";
import type { ModelStore, StoredModel } from "./model-store.js";
import { type OnProgress, revisionOf } from "./progress.js";
import { splitParts } from "./split-files.js";

export interface ImportOptions {
  /** Without it the file's name. */
  readonly name?: string | undefined;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

const pieceBytes = 1024 * 1024;

/** FILE_ and GGUF_ codes where it is no sound model, DISK_FULL, MODEL_EXISTS, MODEL_NAME_INVALID, STORE_BUSY. */
export async function importModel(store: ModelStore, file: string, options: ImportOptions = {}): Promise<StoredModel> {
  const { onProgress = () => {}, signal } = options;
  const sources = await sourcesOf(store, path.resolve(file));
  const name = checkModelName(options.name ?? toModelName(sources[0]?.stem ?? ""));
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  const revision = revisionOf(sources.map(({ path: source, bytes, changed }) => [source, bytes, changed]));
  const addition = await store.begin(name, revision);
  try {
    store.checkFree(name, null);
    await storing(addition.folder, () => checkRoom(addition.folder, total));
    const files = [];
    let completed = 0;
    for (const [part, source] of sources.entries()) {
      const sha256 = await copy(source.path, addition.file(part, sources.length), (bytes) => {
        signal?.throwIfAborted();
        completed += bytes;
        onProgress({ phase: "copy", completed, total });
      });
      files.push({ bytes: source.bytes, sha256 });
    }
    return await addition.commit(path.resolve(file), files);
  } catch (error) {
    await addition.release({ discard: true });
    throw error;
  }
}

interface Source {
  readonly path: string;
  readonly stem: string;
  readonly bytes: number;
  readonly changed: number;
}

/** All parts of the model that `file` is, or is a part of; each checked to be GGUF before anything is copied. */
async function sourcesOf(store: ModelStore, file: string): Promise<readonly Source[]> {
  const split = splitParts(path.basename(file));
  const paths = split ? split.names.map((name) => path.join(path.dirname(file), name)) : [file];
  const stem = split?.stem ?? path.basename(file).replace(/\.gguf$/i, "");
  await describeWholeModel(store.engine, paths);
  return Promise.all(
    paths.map(async (each) => {
      const { size, mtimeMs } = await stat(each);
      return { path: each, stem, bytes: size, changed: mtimeMs };
    }),
  );
}

/** Copies and hashes in one pass; the copy gets its name when it is whole. Returns the SHA-256. */
async function copy(from: string, to: string, onBytes: (bytes: number) => void): Promise<string> {
  const source = await open(from, "r");
  const partial = `${to}.part`;
  try {
    const sha256 = await storing(to, async () => {
      const target = await open(partial, "w");
      try {
        const hash = await pump(source, target, onBytes);
        await target.sync();
        return hash;
      } finally {
        await target.close();
      }
    });
    await storing(to, async () => {
      await inheritOwner(partial);
      await renameDurably(partial, to);
    });
    return sha256;
  } finally {
    await source.close();
  }
}

async function pump(source: FileHandle, target: FileHandle, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position).catch((error: Error) => {
      throw new HearthError("FILE_READ_FAILED", `The file to import cannot be read: ${error.message}.`, {
        cause: error,
      });
    });
    if (bytesRead === 0) return hash.digest("hex");
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await writeAt(target, piece, position);
    position += bytesRead;
    onBytes(bytesRead);
  }
}
