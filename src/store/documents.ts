/**
 * JSON documents that outlive the process: each a file with a checksum, found by its id and by nobody but its owner. Bounded
 * in bytes, number and age; the oldest make room. What they mean is somebody else's.
 */
import { createHash } from "node:crypto";
import { type FileHandle, lstat, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../base/clock.js";
import { isMissing, readSmallText, reasonOf } from "../base/files.js";
import type { Logger } from "../base/logger.js";
import {
  freshName,
  isFreshName,
  makeFolder,
  privateMode,
  renameDurably,
  storing,
  syncFolder,
  writeSynced,
} from "./durable-files.js";
import { type Locker, lockFileIn, tryHold } from "./file-lock.js";

export interface DocumentLimits {
  /** The limit for all files together. */
  readonly bytes: number;
  readonly documents: number;
  readonly ageMs: number;
}

export interface DocumentStoreOptions {
  readonly folder: string;
  /** The form of ids; nothing else becomes a file name. */
  readonly idPattern: RegExp;
  /** The version of the documents' form: files of another one are not read. */
  readonly version: number;
  readonly limits: DocumentLimits;
  /** Damaged files stay beside the others as ID.damaged, for somebody who can read them; without it they are removed. */
  readonly keepsDamaged?: boolean;
}

interface Entry {
  bytes: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** The file's content until it is written. */
  unwritten: string | null;
}

const suffix = ".json";
const damagedSuffix = ".damaged";

export class DocumentStore<T> {
  readonly #options: DocumentStoreOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #locker: Locker;
  /** null while the folder is another process's, or cannot be used: then nothing in it is touched. */
  #held: FileHandle | null = null;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  /** Files are written and removed one after the other. */
  #work: Promise<void> = Promise.resolve();
  #writable = true;

  constructor(
    options: DocumentStoreOptions,
    { clock, logger, locker }: { clock: Clock; logger: Logger; locker: Locker },
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#locker = locker;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Finds the documents of earlier runs. Where the folder cannot be used, documents live as long as the process. */
  async start(): Promise<void> {
    const { folder, idPattern } = this.#options;
    try {
      await makeFolder(folder, 0o700);
      this.#held = await tryHold(lockFileIn(path.dirname(folder), path.basename(folder)), this.#locker);
      if (!this.#held) throw new Error("another daemon uses this folder");
      const found: [string, Entry][] = [];
      for (const name of await readdir(folder)) {
        const id = name.endsWith(suffix) ? name.slice(0, -suffix.length) : "";
        const file = path.join(folder, name);
        if (!idPattern.test(id)) {
          if (isFreshName(name)) await rm(file, { force: true }); // the power went while it was written
          continue;
        }
        const stats = await lstat(file);
        if (!stats.isFile()) continue;
        const { size, mtimeMs } = stats;
        found.push([id, { bytes: size, savedAt: mtimeMs, unwritten: null }]);
      }
      for (const [id, entry] of found.sort(([, a], [, b]) => a.savedAt - b.savedAt)) this.#add(id, entry);
      this.#makeRoom();
    } catch (error) {
      this.#reportUnwritable(error);
    }
  }

  /** Undefined also for a document of another owner, or one whose file is damaged, of another version or cannot be read now. */
  async get(id: string, owner: string): Promise<T | undefined> {
    const entry = this.#entries.get(id);
    if (!entry || this.#isExpired(entry)) return undefined;
    const document = this.#look(id, entry);
    return document?.owner === owner ? document.content : undefined;
  }

  /** The bytes of a document; 0 where there is none. */
  bytesOf(id: string): number {
    return this.#entries.get(id)?.bytes ?? 0;
  }

  /** Every document with its owner, the oldest first; other work has its turn between two. */
  async *all(): AsyncGenerator<{ readonly id: string; readonly owner: string; readonly content: T }> {
    for (const [id, entry] of [...this.#entries]) {
      const document = this.#look(id, entry);
      if (document) yield { id, owner: document.owner, content: document.content };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Can be got at once, and is on disk soon: then it survives a power cut. One that cannot be written lives in memory. */
  put(id: string, owner: string, content: T): void {
    const entry = this.#replace(id, owner, content);
    this.#enqueue(async () => {
      if (this.#entries.get(id) === entry) await this.#write(id, entry); // else a newer one is written in its turn
    });
  }

  /**
   * Can be got at once. Resolves when it survives a power cut, or when it is in memory where there is no folder. DISK_FULL or
   * FILE_WRITE_FAILED where it cannot be written: then what there was before is back.
   */
  async keep(id: string, owner: string, content: T): Promise<void> {
    const before = this.#entries.get(id);
    const entry = this.#replace(id, owner, content);
    try {
      await storing(this.#fileOf(id), () => this.#inTurn(() => this.#write(id, entry)));
    } catch (error) {
      if (this.#entries.get(id) === entry) {
        this.#forget(id);
        if (before) this.#add(id, before);
      }
      throw error;
    }
  }

  /**
   * False when this owner has none of this id. Resolves when it does not come back after a power cut; FILE_WRITE_FAILED where its file
   * cannot be removed: then it is still there.
   */
  async delete(id: string, owner: string): Promise<boolean> {
    if ((await this.get(id, owner)) === undefined) return false;
    const entry = this.#entries.get(id);
    if (!entry) return false;
    this.#forget(id);
    try {
      await storing(this.#fileOf(id), () => this.#inTurn(() => this.#removeFile(id, { isDurable: true })));
    } catch (error) {
      if (!this.#entries.has(id)) this.#add(id, entry);
      throw error;
    }
    return true;
  }

  /** Resolves when everything is on disk. */
  async stop(): Promise<void> {
    await this.#work;
    await this.#held?.close();
    this.#held = null;
  }

  #add(id: string, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#bytes += entry.bytes;
  }

  #forget(id: string): void {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
  }

  #remove(id: string): void {
    if (!this.#entries.has(id)) return;
    this.#forget(id);
    this.#enqueue(() => this.#removeFile(id));
  }

  async #removeFile(id: string, { isDurable = false } = {}): Promise<void> {
    // The file of a newer version takes this one's place by its renaming, so that one of them is always there.
    if (!this.#held || this.#entries.has(id)) return;
    await rm(this.#fileOf(id), { force: true });
    if (isDurable) await syncFolder(this.#options.folder);
  }

  /** Puts a document, whose file is still to be written, in the place of an older one. */
  #replace(id: string, owner: string, content: T): Entry {
    const { idPattern, version } = this.#options;
    if (!idPattern.test(id)) throw new RangeError(`${JSON.stringify(id)} is no id of this store`);
    const text = serialize({ version, owner, content });
    const entry = { bytes: Buffer.byteLength(text), savedAt: this.#clock.wallTime(), unwritten: text };
    this.#forget(id);
    this.#add(id, entry);
    this.#makeRoom();
    return entry;
  }

  /** null for a document that is no use, which the log tells. One that is gone or damaged is no entry any more. */
  #look(id: string, entry: Entry): FileContent<T> | null {
    const document = this.#read(id, entry);
    if (typeof document !== "string") return document;
    const isAside = document === "damaged" && this.#options.keepsDamaged === true;
    if (isAside) this.#setAside(id);
    else if (document === "damaged" || document === "gone") this.#remove(id);
    const where = isAside ? `, and is kept as ${this.#damagedFileOf(id)}` : " and is left out";
    this.#logger.warn({ id }, `a stored document is ${document}${where}`);
    return null;
  }

  /** Before anything that is written later under the same id, which would take the place of the damaged file. */
  #setAside(id: string): void {
    if (!this.#entries.has(id)) return;
    this.#forget(id);
    this.#enqueue(async () => {
      if (this.#held) await renameDurably(this.#fileOf(id), this.#damagedFileOf(id));
    });
  }

  #makeRoom(): void {
    const { bytes, documents } = this.#options.limits;
    for (const [id, entry] of this.#entries) {
      const fits = this.#bytes <= bytes && this.#entries.size <= documents;
      if (fits && !this.#isExpired(entry)) break;
      this.#remove(id);
    }
  }

  #isExpired({ savedAt }: Entry): boolean {
    return this.#clock.wallTime() - savedAt > this.#options.limits.ageMs;
  }

  /** Runs the task after all that came before it. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#work.then(task);
    this.#work = done.catch(() => {});
    return done;
  }

  /** Nobody waits for it: a failure is told by the log. */
  #enqueue(task: () => Promise<void>): void {
    this.#inTurn(task).catch((error) => this.#reportUnwritable(error));
  }

  async #write(id: string, entry: Entry): Promise<void> {
    // It was deleted meanwhile, or lives in memory alone.
    if (entry.unwritten === null || !this.#entries.has(id) || !this.#held) return;
    const file = this.#fileOf(id);
    const beside = freshName(file);
    try {
      await writeSynced(beside, entry.unwritten, privateMode);
      await renameDurably(beside, file);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    entry.unwritten = null;
    this.#writable = true;
  }

  /** The file of a document that cannot be read now, or is of another version, is left where it is. */
  #read(id: string, { unwritten }: Entry): FileContent<T> | Unusable {
    try {
      return parse<T>(unwritten ?? readSmallText(this.#fileOf(id)), this.#options.version);
    } catch (error) {
      return isMissing(error) ? "gone" : `unreadable (${reasonOf(error)})`;
    }
  }

  #fileOf(id: string): string {
    return path.join(this.#options.folder, id + suffix);
  }

  #damagedFileOf(id: string): string {
    return path.join(this.#options.folder, id + damagedSuffix);
  }

  /** Once, until it works again: a full card must not fill the log. */
  #reportUnwritable(error: unknown): void {
    if (!this.#writable) return;
    this.#writable = false;
    this.#logger.warn({ folder: this.#options.folder, err: error }, "documents cannot be written and stay in memory");
  }
}

interface FileContent<T> {
  readonly version: number;
  readonly owner: string;
  readonly content: T;
}

/** Why a document is left out. */
type Unusable = "damaged" | "gone" | "of another version" | `unreadable (${string})`;

/** The SHA-256 of the JSON, and the JSON. */
function serialize(content: FileContent<unknown>): string {
  const json = JSON.stringify(content);
  return `${checksum(json)}\n${json}`;
}

function parse<T>(text: string, version: number): FileContent<T> | Unusable {
  const end = text.indexOf("\n");
  const json = text.slice(end + 1);
  if (text.slice(0, end) !== checksum(json)) return "damaged";
  const content = JSON.parse(json) as FileContent<T>;
  return content.version === version ? content : "of another version";
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
