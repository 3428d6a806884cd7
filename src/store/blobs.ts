/**
 * Files that clients send before they make models of them, by their SHA-256. A file is there when it is whole and its hash is
 * right. What nobody made a model of within a day goes.
 */
import { createHash, randomBytes } from "node:crypto";
import { link, open, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { checkRoom, exists, inheritOwner, makeFolder, renameDurably, storing, writeAt } from "./durable-files.js";
import type { ModelStore } from "./model-store.js";

const keptMs = 24 * 3_600_000;
/** How often the room left is looked at. */
const checkedBytes = 64 * 1024 * 1024;
const digestPattern = /^sha256[:-]([0-9a-f]{64})$/;

/** The hex digits of `sha256:HEX`. REQUEST_INVALID for anything else: they become part of a path. */
export function checkDigest(text: string): string {
  const hex = digestPattern.exec(text)?.[1];
  if (hex !== undefined) return hex;
  const message = `${JSON.stringify(text.slice(0, 80))} is not sha256: and 64 hex digits in lower case.`;
  throw new HearthError("REQUEST_INVALID", message, { param: "digest" });
}

export class Blobs {
  readonly #store: ModelStore;
  readonly #folder: string;
  readonly #limitBytes: number;

  constructor(store: ModelStore, limitBytes: number) {
    this.#store = store;
    this.#folder = path.join(store.folder, ".blobs");
    this.#limitBytes = limitBytes;
  }

  /** The file with these bytes: one that was sent, or one of a model; null where there is none. */
  async find(sha256: string): Promise<string | null> {
    const sent = this.#fileOf(sha256);
    if (await exists(sent)) return sent;
    const models = this.#store
      .scan()
      .models.flatMap(({ files, paths }) =>
        files.flatMap((file, i) => (file.sha256 === sha256 ? (paths[i] ?? []) : [])),
      );
    for (const file of models) if (await exists(file)) return file;
    return null;
  }

  /** Takes the bytes in. REQUEST_TOO_LARGE, DISK_FULL, FILE_WRITE_FAILED; REQUEST_INVALID when they are others than promised. */
  async receive(sha256: string, bytes: AsyncIterable<Buffer>, declaredBytes: number | null): Promise<void> {
    if ((declaredBytes ?? 0) > this.#limitBytes) throw this.#tooLarge();
    const target = this.#fileOf(sha256);
    const partial = `${target}.${randomBytes(8).toString("hex")}.part`;
    await storing(target, async () => {
      await makeFolder(this.#folder);
      await this.#sweep();
      await checkRoom(this.#folder, declaredBytes ?? 0);
    });
    try {
      const found = await storing(target, () => this.#write(partial, bytes));
      if (found !== sha256) {
        const message = `The bytes have the SHA-256 ${found} and should have ${sha256}.`;
        throw new HearthError("REQUEST_INVALID", message, { param: "digest" });
      }
      await storing(target, () => renameDurably(partial, target));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  /** Gives the file a second place; DISK_FULL, FILE_WRITE_FAILED. */
  async place(file: string, target: string): Promise<void> {
    await storing(target, async () => {
      await rm(target, { force: true });
      await link(file, target);
    });
  }

  /** A model has the bytes now. */
  async forget(sha256: string): Promise<void> {
    await rm(this.#fileOf(sha256), { force: true });
  }

  async #write(file: string, bytes: AsyncIterable<Buffer>): Promise<string> {
    const hash = createHash("sha256");
    const handle = await open(file, "wx");
    try {
      let written = 0;
      let checkedAt = 0;
      for await (const piece of bytes) {
        if (written + piece.length > this.#limitBytes) throw this.#tooLarge();
        if (written - checkedAt >= checkedBytes) {
          await checkRoom(this.#folder, piece.length);
          checkedAt = written;
        }
        hash.update(piece);
        await writeAt(handle, piece, written);
        written += piece.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await inheritOwner(file);
    return hash.digest("hex");
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const file = path.join(this.#folder, name);
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > keptMs) await rm(file, { force: true });
    }
  }

  #fileOf(sha256: string): string {
    return path.join(this.#folder, checkDigest(`sha256:${sha256}`));
  }

  #tooLarge(): HearthError {
    const message = `The file is larger than models.upload_bytes allows (${this.#limitBytes}).`;
    return new HearthError("REQUEST_TOO_LARGE", message);
  }
}
