/**
 * Keeps measurements of this machine in one small JSON file: thread counts (service/tuning/threads.ts) by machine, build and model, and
 * how matrices are multiplied fastest (service/tuning/matmuls.ts) and how fast that is (service/plan/predict.ts) by machine and build.
 */
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
const way = z.string().max(64);
const choice = z.object({
  type: z.string().max(16),
  rowLength: z.number().int().positive(),
  one: way,
  few: way,
  many: way,
});
/** `cpu`: for whoever reads the file. */
const matmuls = z.object({ cpu: z.string(), choices: z.array(choice), measuredAt: z.iso.datetime() });
const speed = z.object({
  type: z.string().max(16),
  rowLength: z.number().int().positive(),
  one: z.number().positive(),
  many: z.number().positive(),
});
const speeds = z.object({ cpu: z.string(), weights: z.array(speed), measuredAt: z.iso.datetime() });
const schema = z.object({
  format: z.literal(1),
  tunings: z.record(z.string(), entry),
  matmuls: z.record(z.string(), matmuls).default({}),
  speeds: z.record(z.string(), speeds).default({}),
});
type Stored = z.infer<typeof schema>;

export type StoredTuning = Readonly<z.infer<typeof entry>>;
type StoredChoice = Readonly<z.infer<typeof choice>>;
type StoredSpeed = Readonly<z.infer<typeof speed>>;

/** Older ones are forgotten: whoever changes models often need not keep them all. */
const maxTunings = 64;
const maxMachines = 8;
const maxChoices = 256;

export class TuningStore {
  readonly #file: string;
  readonly #locker: Locker;

  constructor(folder: string, locker: Locker) {
    this.#file = path.join(folder, "tunings.json");
    this.#locker = locker;
  }

  find(key: string): StoredTuning | null {
    return this.#read().tunings[key] ?? null;
  }

  /** DISK_FULL, FILE_WRITE_FAILED, STORE_BUSY. */
  async save(key: string, tuning: StoredTuning): Promise<void> {
    await this.#change((stored) => ({ ...stored, tunings: renewed(stored.tunings, key, tuning, maxTunings) }));
  }

  findMatmuls(key: string): readonly StoredChoice[] {
    return this.#read().matmuls[key]?.choices ?? [];
  }

  /** Beside those of other kinds of matrices, which other models brought. DISK_FULL, FILE_WRITE_FAILED, STORE_BUSY. */
  async saveMatmuls(key: string, choices: readonly StoredChoice[], measuredAt: string): Promise<void> {
    await this.#change((stored) => {
      const all = joined(stored.matmuls[key]?.choices ?? [], choices);
      const entry = { cpu: cpuName(), choices: all, measuredAt };
      return { ...stored, matmuls: renewed(stored.matmuls, key, entry, maxMachines) };
    });
  }

  findSpeeds(key: string): readonly StoredSpeed[] {
    return this.#read().speeds[key]?.weights ?? [];
  }

  /** Beside those of other kinds of matrices. DISK_FULL, FILE_WRITE_FAILED, STORE_BUSY. */
  async saveSpeeds(key: string, measured: readonly StoredSpeed[], measuredAt: string): Promise<void> {
    await this.#change((stored) => {
      const weights = joined(stored.speeds[key]?.weights ?? [], measured);
      const entry = { cpu: cpuName(), weights, measuredAt };
      return { ...stored, speeds: renewed(stored.speeds, key, entry, maxMachines) };
    });
  }

  async #change(change: (stored: Stored) => Stored): Promise<void> {
    const lock = lockFileIn(path.dirname(this.#file), "tunings");
    // A daemon and `hearth tune` may write at once, and what one measured must not cost what the other did.
    await withLock(lock, this.#locker, "Somebody else is storing a measurement.", async () => {
      const changed = change(this.#read());
      await storing(this.#file, async () => {
        await makeFolder(path.dirname(this.#file));
        await writeDurably(this.#file, `${JSON.stringify(changed, null, 2)}\n`);
      });
    });
  }

  /** A file that is missing or damaged costs a new measurement, nothing else. */
  #read(): Stored {
    try {
      return schema.parse(JSON.parse(readSmallText(this.#file)));
    } catch {
      return { format: 1, tunings: {}, matmuls: {}, speeds: {} };
    }
  }
}

function cpuName(): string {
  return os.cpus()[0]?.model.trim() ?? "";
}

/** Measurements of kinds of matrices, the new ones in place of older ones. */
function joined<T extends { readonly type: string; readonly rowLength: number }>(
  old: readonly T[],
  measured: readonly T[],
): T[] {
  const isNew = ({ type, rowLength }: T) => measured.some((each) => each.type === type && each.rowLength === rowLength);
  return [...old.filter((each) => !isNew(each)), ...measured].slice(-maxChoices);
}

/** With the entry as the newest of at most `most`. */
function renewed<T>(entries: Readonly<Record<string, T>>, key: string, entry: T, most: number): Record<string, T> {
  const others = Object.entries(entries).filter(([other]) => other !== key);
  return Object.fromEntries([...others.slice(1 - most), [key, entry]]);
}

/**
 * Names what a measurement holds for: the board, the cores granted, this build of hearth, and what is forced of the kernels; that of
 * threads also the model's file.
 */
export function machineKey(build: string, forced: string): string {
  return digest(machineFacts(build, forced));
}

export function tuningKey(file: string, build: string, forced: string): string {
  const { size, mtimeMs } = statSync(file);
  return digest([...machineFacts(build, forced), path.resolve(file), size, mtimeMs]);
}

function machineFacts(build: string, forced: string): (string | number)[] {
  const cpus = os.cpus().map(({ model }) => model);
  return [process.arch, ...cpus, os.availableParallelism(), build, forced];
}

function digest(facts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}
