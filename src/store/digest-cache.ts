/**
 * SHA-256 of model files outside the store, computed once and kept in a small file beside the store's folder. Large ones
 * are read in the background: it takes a minute a gigabyte from a slow card.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { makeFolder, writeDurably } from "./durable-files.js";
import { hashFile } from "./file-digest.js";

/** Read while somebody waits: a moment's work on any board. */
const smallBytes = 32 * 1024 * 1024;
const mostEntries = 256;

const entry = z.object({ path: z.string(), stamp: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const schema = z.array(entry).max(mostEntries);
type Entry = z.infer<typeof entry>;

export class DigestCache {
  readonly #file: string;
  readonly #onError: (error: unknown) => void;
  readonly #stopped = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  /** Large ones are read one after the other; a small one does not wait for them. */
  #lastLarge: Promise<void> = Promise.resolve();
  #written: Promise<void> = Promise.resolve();
  #entries: readonly Entry[] | null = null;

  /** `onError` hears of files that cannot be read, and of a list that cannot be kept. */
  constructor(file: string, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
  }

  /**
   * 64 hex digits. Of a large file that was not read yet they are a stand-in made from its place, size and date, while it is
   * read; of a file that is not there too.
   */
  async of(file: string): Promise<string> {
    const stats = statSync(file, { throwIfNoEntry: false });
    const stamp = stats ? `${stats.size} ${stats.mtimeMs} ${stats.ino}` : "";
    const known = () => this.#load().find((each) => each.path === file && each.stamp === stamp)?.sha256;
    if (stats && known() === undefined) {
      const isSmall = stats.size <= smallBytes;
      const read = this.#read(file, stamp, isSmall);
      if (isSmall) await read;
    }
    return known() ?? createHash("sha256").update(`${file} ${stamp}`).digest("hex");
  }

  /** Nothing is read any more; resolves when what is known is kept. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#written;
  }

  #read(file: string, stamp: string, isSmall: boolean): Promise<void> {
    const key = `${stamp} ${file}`;
    const running = this.#running.get(key);
    if (running) return running;
    const work = (isSmall ? Promise.resolve() : this.#lastLarge).then(async () => {
      const { signal } = this.#stopped;
      try {
        if (signal.aborted) return;
        this.#keep({ path: file, stamp, sha256: await hashFile(file, () => {}, signal) });
        this.#written = this.#written.then(() => this.#write());
      } catch (error) {
        if (!signal.aborted) this.#onError(error);
      }
    });
    if (!isSmall) this.#lastLarge = work;
    this.#running.set(key, work);
    return work;
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    try {
      await makeFolder(path.dirname(this.#file));
      await writeDurably(this.#file, `${JSON.stringify(this.#entries)}\n`);
    } catch (error) {
      this.#onError(error);
    }
  }

  #keep(fresh: Entry): void {
    const others = this.#load().filter((each) => each.path !== fresh.path);
    this.#entries = [...others.slice(1 - mostEntries), fresh];
  }

  /** A list that cannot be read is made anew. */
  #load(): readonly Entry[] {
    if (this.#entries) return this.#entries;
    try {
      this.#entries = schema.parse(JSON.parse(readFileSync(this.#file, "utf8")));
    } catch {
      this.#entries = [];
    }
    return this.#entries;
  }
}
