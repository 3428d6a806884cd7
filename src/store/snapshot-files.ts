/**
 * The files of prefix snapshots: which there are, how much they may take, and how much may be written a day,
 * so that a memory card lives long. What stands in them is the engine's; it writes and reads them itself.
 */
import { createHash } from "node:crypto";
import { type FileHandle, lstat, readdir, rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import type { Clock } from "../base/clock.js";
import { readSmallText } from "../base/files.js";
import type { Logger } from "../base/logger.js";
import { checkRoom, makeFolder, storing, writeDurably } from "./durable-files.js";
import { type Locker, lockFileIn, tryHold } from "./file-lock.js";

export interface SnapshotFileLimits {
  /** The limit for all files together. */
  readonly bytes: number;
  readonly bytesADay: number;
}

export interface SnapshotFilesDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly locker: Locker;
}

interface Entry {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  usedAt: number;
}

const suffix = ".kv";
/** The build, the model, the tokens: 8, 24 and 16 hex digits. */
const namePattern = /^([0-9a-f]{8})-([0-9a-f]{24})-[0-9a-f]{16}\.kv$/;
const ledgerName = "written.json";
const ledgerSchema = z.object({ format: z.literal(1), day: z.int().min(0), bytes: z.number().min(0) });
const dayMs = 86_400_000;
/** Left free on the disk for others. */
const reserveBytes = 256 * 1024 * 1024;

export class SnapshotFiles {
  readonly #folder: string;
  readonly #build: string;
  readonly #limits: SnapshotFileLimits;
  readonly #dependencies: SnapshotFilesDependencies;
  readonly #entries = new Map<string, Entry>();
  #written = { day: 0, bytes: 0 };
  /** null while the folder is another process's, or cannot be used: then nothing in it is touched. */
  #held: FileHandle | null = null;
  #complained = false;

  /** `build`: of the engine; another one's files are of no use. */
  constructor(folder: string, build: string, limits: SnapshotFileLimits, dependencies: SnapshotFilesDependencies) {
    this.#folder = folder;
    this.#build = hex(build, 8);
    this.#limits = limits;
    this.#dependencies = dependencies;
  }

  /** The bytes of all files. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Finds the files of earlier runs, and removes what is of no use. Where the folder cannot be used, there are none. */
  async start(): Promise<void> {
    try {
      await makeFolder(this.#folder, 0o700); // prompts can be read from what stands in it
      const lock = lockFileIn(path.dirname(this.#folder), path.basename(this.#folder));
      this.#held = await tryHold(lock, this.#dependencies.locker);
      if (!this.#held) throw new Error("another daemon uses this folder");
      for (const name of await readdir(this.#folder)) {
        const file = path.join(this.#folder, name);
        const stats = await lstat(file);
        if (stats.isFile() && namePattern.exec(name)?.[1] === this.#build) {
          const { size, mtimeMs } = stats;
          this.#entries.set(name, { bytes: size, usedAt: mtimeMs });
        } else if (name !== ledgerName) {
          await rm(file, { recursive: true, force: true }); // of another build, or half written when the power went
        }
      }
      this.#written = this.#readLedger();
      await this.#shrinkTo(this.#limits.bytes);
    } catch (error) {
      await this.stop();
      this.#entries.clear();
      this.#complain(error);
    }
  }

  /** Another process may use the folder. */
  async stop(): Promise<void> {
    await this.#held?.close();
    this.#held = null;
  }

  /** Names of the files of a model; `identity` as the engine says it. */
  list(identity: string): string[] {
    const model = hex(identity, 24);
    return [...this.#entries.keys()].filter((name) => namePattern.exec(name)?.[2] === model);
  }

  nameFor(identity: string, tokens: Int32Array): string {
    const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
    return `${this.#build}-${hex(identity, 24)}-${hex(bytes, 16)}${suffix}`;
  }

  pathOf(name: string): string {
    return path.join(this.#folder, name);
  }

  /** The key that the model's files were written with. */
  keyOf(identity: string): string {
    return hex(`${this.#build} ${identity}`, 64);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** A file was read. */
  use(name: string): void {
    const entry = this.#entries.get(name);
    if (entry) entry.usedAt = this.#dependencies.clock.wallTime();
  }

  /**
   * Whether a file of so many bytes may be written now. Counts it as written, also over a restart, and removes the files used
   * longest ago where their room is needed.
   */
  async allow(bytes: number): Promise<boolean> {
    const day = this.#today();
    const written = this.#written.day < day ? 0 : this.#written.bytes;
    if (!this.#held || bytes > this.#limits.bytes || written + bytes > this.#limits.bytesADay) return false;
    try {
      await this.#shrinkTo(this.#limits.bytes - bytes);
      await checkRoom(this.#folder, bytes + reserveBytes);
      // Before the file: what a crash cuts short was written too.
      this.#written = { day, bytes: written + bytes };
      await this.#writeLedger();
      this.#complained = false;
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  /** The writing that `allow` allowed is over. `name`: null when there is no file. */
  async added(name: string | null, { bytes, allowed }: { bytes: number; allowed: number }): Promise<void> {
    if (name !== null) this.#entries.set(name, { bytes, usedAt: this.#dependencies.clock.wallTime() });
    this.#written = { ...this.#written, bytes: Math.max(0, this.#written.bytes + bytes - allowed) };
    if (this.#held) await this.#writeLedger().catch((error) => this.#complain(error));
  }

  async remove(name: string): Promise<void> {
    this.#entries.delete(name);
    await rm(this.pathOf(name), { force: true }).catch((error) => this.#complain(error));
  }

  async #shrinkTo(limit: number): Promise<void> {
    const oldestFirst = [...this.#entries].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [name] of oldestFirst) {
      if (this.bytes <= limit) return;
      await this.remove(name);
    }
  }

  /** Days since 1970; a clock that was set back does not begin a day anew. */
  #today(): number {
    return Math.max(this.#written.day, Math.floor(this.#dependencies.clock.wallTime() / dayMs));
  }

  async #writeLedger(): Promise<void> {
    const ledger = this.pathOf(ledgerName);
    await storing(ledger, () => writeDurably(ledger, JSON.stringify({ format: 1, ...this.#written })));
  }

  #readLedger(): { day: number; bytes: number } {
    try {
      return ledgerSchema.parse(JSON.parse(readSmallText(this.pathOf(ledgerName))));
    } catch {
      return { day: 0, bytes: 0 };
    }
  }

  /** Once, until it works again: a full card must not fill the log. */
  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#dependencies.logger.warn({ folder: this.#folder, err: error }, "prefixes cannot be stored");
  }
}

function hex(content: string | Uint8Array, digits: number): string {
  return createHash("sha256").update(content).digest("hex").slice(0, digits);
}
