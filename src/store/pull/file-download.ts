/**
 * Downloads one file in segments over several connections, goes on after any cut, and gives the file its name when it is whole
 * and its hash is right. Until then it is `NAME.part`, with `NAME.part.json` to say which bytes it has.
 */
import { type FileHandle, open, rm } from "node:fs/promises";
import { HearthError } from "../../base/errors.js";
import { exists, inheritOwner, renameDurably, storageError, storing, writeAt } from "../durable-files.js";
import { hashFile } from "../file-digest.js";
import { withoutQuery } from "../model-names.js";
import { type SourceClient, type SourceResponse, TransientError, toTransient } from "./http.js";
import { bytesDone, type Journal, makeJournal, readJournal, writeJournal } from "./journal.js";
import { type OnRetry, Retry, type RetryOptions } from "./retry.js";

/** A file as its source describes it. */
export interface RemoteFile {
  readonly url: URL;
  /** null: the source does not say. */
  readonly bytes: number | null;
  /** 64 hex digits; null: the source does not say. */
  readonly sha256: string | null;
  /** ETag or date that tells this content from another at the same address; null: the source gives none. */
  readonly validator: string | null;
}

export interface DownloadOptions {
  readonly connections: number;
  readonly segmentBytes: number;
  readonly retry: RetryOptions;
  readonly onRetry: OnRetry;
  /** How often the journal is written, in milliseconds. */
  readonly journalMs: number;
  readonly signal: AbortSignal;
  /** Bytes that came, or were there already; negative when some have to be fetched again. */
  readonly onBytes: (bytes: number) => void;
  readonly onHashed: (bytes: number) => void;
  /** Throws when the file is not what it should be; called before it gets its name. */
  readonly check: (file: string) => Promise<void>;
}

export interface DownloadedFile {
  readonly bytes: number;
  readonly sha256: string;
}

export class Download {
  readonly #client: SourceClient;
  readonly #remote: RemoteFile;
  readonly #target: string;
  readonly #options: DownloadOptions;
  /** Aborted with the first error of a connection, so that the others end too. */
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  #done: number[] = [];
  #next = 0;

  constructor(client: SourceClient, remote: RemoteFile, target: string, options: DownloadOptions) {
    this.#client = client;
    this.#remote = remote;
    this.#target = target;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#failure.signal]);
  }

  get #partial(): string {
    return `${this.#target}.part`;
  }

  get #journalFile(): string {
    return `${this.#partial}.json`;
  }

  /** PULL_ codes, DISK_FULL, FILE_WRITE_FAILED, and what `check` throws. */
  async run(): Promise<DownloadedFile> {
    const { sha256, bytes } = this.#remote;
    if (await exists(this.#target)) return this.#finished(bytes);
    const journal = await this.#resumable();
    const length = await this.#fetch(journal);
    let hash = await this.#hash();
    if (sha256 !== null && hash !== sha256 && journal !== null) {
      // The bytes of an earlier run may be at fault: a power cut, or a card that forgets.
      await this.#discard();
      this.#options.onBytes(-length);
      this.#options.onHashed(-length);
      await this.#fetch(null);
      hash = await this.#hash();
    }
    if (sha256 !== null && hash !== sha256) {
      await this.#discard();
      const what = `${withoutQuery(this.#remote.url)} has the SHA-256 ${hash} and should have ${sha256}.`;
      throw new HearthError("PULL_BAD_HASH", what);
    }
    await this.#name();
    return { bytes: length, sha256: hash };
  }

  /** From an earlier run that was cut between this file and the next one. */
  async #finished(bytes: number | null): Promise<DownloadedFile> {
    let length = 0;
    const sha256 = await hashFile(
      this.#target,
      (more) => {
        length += more;
        this.#options.onHashed(more);
      },
      this.#options.signal,
    );
    this.#options.onBytes(bytes ?? length);
    return { bytes: length, sha256 };
  }

  async #resumable(): Promise<Journal | null> {
    const journal = await readJournal(this.#journalFile);
    const { bytes, validator } = this.#remote;
    if (!journal || journal.bytes !== bytes || journal.validator !== validator) return null;
    return (await exists(this.#partial)) ? journal : null;
  }

  /** Fills the partial file and syncs it. Returns its length. */
  async #fetch(journal: Journal | null): Promise<number> {
    // A journal without its file would promise bytes that are not there.
    if (!journal) await rm(this.#journalFile, { force: true });
    const file = await storing(this.#target, () => open(this.#partial, journal ? "r+" : "w"));
    try {
      await storing(this.#target, () => inheritOwner(this.#partial));
      const { bytes } = this.#remote;
      const length = bytes === null ? await this.#whole(file) : await this.#segments(file, journal, bytes);
      await storing(this.#target, () => file.sync());
      return length;
    } finally {
      await file.close();
    }
  }

  async #segments(file: FileHandle, journal: Journal | null, bytes: number): Promise<number> {
    const { segmentBytes, connections, journalMs, onBytes } = this.#options;
    const { validator } = this.#remote;
    const state = journal ?? makeJournal(bytes, segmentBytes, validator);
    this.#done = [...state.done];
    this.#next = 0;
    onBytes(bytesDone(state));
    const record = async () => {
      const done = [...this.#done];
      await file.datasync();
      await writeJournal(this.#journalFile, { ...state, done });
    };
    let recording = Promise.resolve();
    const timer = setInterval(() => {
      recording = recording.then(record).catch((error) => this.#failure.abort(storageError(error, this.#target)));
    }, journalMs);
    const workers = Array.from({ length: Math.min(connections, state.done.length) }, () => this.#work(file, state));
    // All of them end before the file is closed.
    const results = await Promise.allSettled(workers);
    clearInterval(timer);
    await recording;
    await record().catch(() => {}); // what it fails for now, the next use of the file fails for too
    this.#options.signal.throwIfAborted();
    const failed = results.find((result) => result.status === "rejected");
    if (this.#failure.signal.aborted) {
      if (this.#failure.signal.reason instanceof RangesUnsupported) return this.#wholeInstead(file);
      throw this.#failure.signal.reason;
    }
    if (failed) throw failed.reason;
    return bytes;
  }

  /** One connection: takes the next segment until none is left. */
  async #work(file: FileHandle, { segmentBytes, bytes }: Journal): Promise<void> {
    const retry = new Retry(this.#options.retry, this.#options.onRetry);
    try {
      for (let segment = this.#next++; segment < this.#done.length; segment = this.#next++) {
        const start = segment * segmentBytes;
        const end = Math.min(start + segmentBytes, bytes);
        while (start + (this.#done[segment] ?? 0) < end) {
          try {
            await this.#fetchRange(file, segment, start, end, retry);
          } catch (error) {
            await retry.after(error, this.#signal);
          }
        }
      }
    } catch (error) {
      this.#failure.abort(error);
      throw error;
    }
  }

  /** The rest of a segment, up to `end` exclusive; as much as comes. */
  async #fetchRange(file: FileHandle, segment: number, start: number, end: number, retry: Retry): Promise<void> {
    const { url, validator } = this.#remote;
    const from = start + (this.#done[segment] ?? 0);
    const response = await this.#client.get(url, {
      signal: this.#signal,
      headers: { range: `bytes=${from}-${end - 1}`, ...(validator !== null && { "if-range": validator }) },
    });
    try {
      this.#checkUnchanged(response);
      if (response.status === 200) throw this.#changedOrWithoutRanges(response);
      this.#checkRange(response, from, end);
      for await (const piece of pieces(response, url, this.#signal)) {
        const position = start + (this.#done[segment] ?? 0);
        if (position + piece.length > end) throw this.#badLength("sends more than was asked for");
        await storing(this.#target, () => writeAt(file, piece, position));
        this.#done[segment] = position + piece.length - start;
        this.#options.onBytes(piece.length);
        retry.progressed();
        // Whole: a source that forgets to end its answer is not waited for.
        if (position + piece.length === end) return;
      }
      if (start + (this.#done[segment] ?? 0) < end) throw new TransientError(`${url.host} ended its answer early`);
    } finally {
      response.body.destroy();
    }
  }

  /** PULL_BAD_LENGTH unless the answer is from `from` on, not beyond `end`, of a file of this length, and says so everywhere. */
  #checkRange({ headers }: SourceResponse, from: number, end: number): void {
    const { bytes } = this.#remote;
    const said = headers["content-range"];
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(said ?? "");
    const total = range?.[3] === "*" ? bytes : Number(range?.[3]);
    const last = Number(range?.[2]);
    if (!range || Number(range[1]) !== from || last < from || last >= end || total !== bytes) {
      throw this.#badLength(`sends ${said?.slice(0, 100) ?? "no range"} of ${bytes} bytes`);
    }
    const promised = headers["content-length"];
    if (promised !== undefined && Number(promised) !== last + 1 - from) {
      throw this.#badLength(`sends ${promised} bytes as the range ${from}-${last}`);
    }
  }

  /** The server keeps no ranges: the file comes in one piece or not at all. */
  async #wholeInstead(file: FileHandle): Promise<number> {
    this.#options.onBytes(-this.#done.reduce((sum, bytes) => sum + bytes, 0));
    await rm(this.#journalFile, { force: true });
    return this.#whole(file);
  }

  async #whole(file: FileHandle): Promise<number> {
    const { url, bytes } = this.#remote;
    const { signal, onBytes } = this.#options;
    const retry = new Retry(this.#options.retry, this.#options.onRetry);
    for (;;) {
      let position = 0;
      try {
        const response = await this.#client.get(url, { signal });
        this.#checkUnchanged(response);
        const promised = response.headers["content-length"];
        if (bytes !== null && promised !== undefined && Number(promised) !== bytes) {
          response.body.destroy();
          throw this.#badLength(`sends ${promised} bytes where ${bytes} were promised`);
        }
        for await (const piece of pieces(response, url, signal)) {
          if (bytes !== null && position + piece.length > bytes)
            throw this.#badLength(`sends more than ${bytes} bytes`);
          const at = position;
          await storing(this.#target, () => writeAt(file, piece, at));
          position += piece.length;
          onBytes(piece.length);
          if (position === bytes) break;
        }
        if (bytes !== null && position < bytes) throw new TransientError(`${url.host} ended its answer early`);
        await storing(this.#target, () => file.truncate(position));
        return position;
      } catch (error) {
        onBytes(-position);
        await retry.after(error, signal);
      }
    }
  }

  /** Hugging Face says in its redirect which content is behind it. */
  #checkUnchanged({ headers, allHeaders, body }: SourceResponse): void {
    const { sha256, validator } = this.#remote;
    const linked = unquoted(allHeaders["x-linked-etag"]);
    const isOther = linked !== null && sha256 !== null && /^[0-9a-f]{64}$/.test(linked) && linked !== sha256;
    if (!isOther && (validator === null || validatorOf(headers) === validator)) return;
    body.destroy();
    throw this.#changed();
  }

  /** A whole file where a range was asked for. */
  #changedOrWithoutRanges({ headers }: SourceResponse): Error {
    const { bytes } = this.#remote;
    const promised = headers["content-length"];
    if (promised !== undefined && Number(promised) !== bytes) {
      return this.#badLength(`sends ${promised} bytes where ${bytes} were promised`);
    }
    return new RangesUnsupported();
  }

  #changed(): HearthError {
    return new HearthError("PULL_SOURCE_CHANGED", `${withoutQuery(this.#remote.url)} changed while it was downloaded.`);
  }

  #badLength(what: string): HearthError {
    return new HearthError("PULL_BAD_LENGTH", `${withoutQuery(this.#remote.url)} ${what}.`);
  }

  #hash(): Promise<string> {
    return hashFile(this.#partial, this.#options.onHashed, this.#options.signal);
  }

  async #name(): Promise<void> {
    try {
      await this.#options.check(this.#partial);
    } catch (error) {
      await this.#discard();
      throw error;
    }
    await storing(this.#target, () => renameDurably(this.#partial, this.#target));
    await rm(this.#journalFile, { force: true });
  }

  async #discard(): Promise<void> {
    await rm(this.#journalFile, { force: true });
    await rm(this.#partial, { force: true });
  }
}

class RangesUnsupported extends Error {}

/** The validator for `If-Range`: a strong ETag, or a date. */
export function validatorOf(headers: Readonly<Record<string, string>>): string | null {
  const { etag } = headers;
  if (etag?.startsWith('"')) return etag;
  return etag === undefined ? (headers["last-modified"] ?? null) : null;
}

export function unquoted(etag: string | undefined): string | null {
  return etag === undefined ? null : etag.replace(/^W\//, "").replace(/^"|"$/g, "");
}

/** The body; a cut is a TransientError. */
export async function* pieces({ body }: SourceResponse, url: URL, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Buffer, void>;
      try {
        next = await source.next();
      } catch (error) {
        signal.throwIfAborted();
        throw toTransient(url, error);
      }
      if (next.done) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}
