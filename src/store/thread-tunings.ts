/** Thread counts that were measured (service/thread-tuning/measure.ts), by machine, build and model, in one small JSON file. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as z from "zod";
import { readSmallText } from "../base/files.js";
import { makeFolder, storing, writeDurably } from "./durable-files.js";
import { type Locker, lockFileIn, withLock } from "./file-lock.js";

const entry = z.object({
  threads: z.number().int().min(1).max(256),
  decodeThreads: z.number().int().min(1).max(256),
  decodeTokensPerSecond: z.number().positive(),
  model: z.string(),
  /** ISO 8601. */
  measuredAt: z.iso.datetime(),
});
const schema = z.object({ format: z.literal(1), tunings: z.record(z.string(), entry) });

export type StoredTuning = Readonly<z.infer<typeof entry>>;

/** Older ones are forgotten: whoever changes models often need not keep them all. */
const maxTunings = 64;

export class TuningStore {
  readonly #file: string;
  readonly #locker: Locker;

  constructor(folder: string, locker: Locker) {
    this.#file = path.join(folder, "tunings.json");
    this.#locker = locker;
  }

  find(key: string): StoredTuning | null {
    return this.#read()[key] ?? null;
  }

  /** DISK_FULL, FILE_WRITE_FAILED, STORE_BUSY. */
  async save(key: string, tuning: StoredTuning): Promise<void> {
    const lock = lockFileIn(path.dirname(this.#file), "tunings");
    // A daemon and `hearth tune` may write at once, and what one measured must not cost what the other did.
    await withLock(lock, this.#locker, "Somebody else is storing a measurement.", async () => {
      const others = Object.entries(this.#read()).filter(([other]) => other !== key);
      const tunings = Object.fromEntries([...others.slice(1 - maxTunings), [key, tuning]]);
      await storing(this.#file, async () => {
        await makeFolder(path.dirname(this.#file));
        await writeDurably(this.#file, `${JSON.stringify({ format: 1, tunings }, null, 2)}\n`);
      });
    });
  }

  /** A file that is missing or damaged costs a new measurement, nothing else. */
  #read(): Record<string, StoredTuning> {
    try {
      return schema.parse(JSON.parse(readSmallText(this.#file))).tunings;
    } catch {
      return {};
    }
  }
}

/** Names what a measurement holds for: the board, the kernels, this build of hearth, the cores granted, and the model's file. */
export function tuningKey(file: string, build: string, isa: string): string {
  const { size, mtimeMs } = statSync(file);
  const cpus = os.cpus().map(({ model }) => model);
  const facts = [process.arch, ...cpus, os.availableParallelism(), build, isa, path.resolve(file), size, mtimeMs];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}
