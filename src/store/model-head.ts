/**
 * Reads the heads of a model's files: as many of the first bytes as hold the whole header, and never more than headers have. Where the
 * bytes come from is the caller's.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { fromSystemError, shownPath } from "../base/files.js";
import type { EngineModule, FileHead } from "../engine/contract.js";
import { splitParts } from "./split-files.js";

/** The first bytes of a file that is somewhere. */
export interface HeadSource {
  /** For messages. */
  readonly name: string;
  readonly fileBytes: number;
  /** The bytes from `start` to `end`, exclusive, or fewer where the file is shorter. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Headers without a vocabulary are smaller; with one they have some megabytes. */
const firstBytes = 256 * 1024;
/** The largest header of the published models has 20 MB. */
const mostBytes = 64 * 1024 * 1024;

/** GGUF_ codes, and whatever the source throws. GGUF_LIMIT_EXCEEDED where the header has no end. */
export async function readHead(engine: EngineModule, { name, fileBytes, read }: HeadSource): Promise<FileHead> {
  let bytes: Uint8Array = new Uint8Array();
  for (let end = firstBytes; ; end *= 4) {
    const wanted = Math.min(end, mostBytes, fileBytes);
    const more = await read(bytes.length, wanted);
    bytes = Buffer.concat([bytes, more]);
    if (bytes.length < wanted) {
      throw new HearthError("GGUF_TRUNCATED", `${name} ends after ${bytes.length} of ${fileBytes} bytes.`);
    }
    if (await engine.checkHead(bytes, fileBytes)) return { name, bytes, fileBytes };
    if (wanted === mostBytes) {
      throw new HearthError("GGUF_LIMIT_EXCEEDED", `The header of ${name} has more than ${mostBytes} bytes.`);
    }
  }
}

/** The heads of a model's files on this machine, by the first of them. FILE_OPEN_FAILED, FILE_READ_FAILED. */
export async function readLocalHeads(engine: EngineModule, file: string): Promise<FileHead[]> {
  const names = splitParts(path.basename(file))?.names ?? [path.basename(file)];
  const heads: FileHead[] = [];
  for (const name of names) heads.push(await readLocalHead(engine, path.join(path.dirname(file), name)));
  return heads;
}

async function readLocalHead(engine: EngineModule, file: string): Promise<FileHead> {
  const name = shownPath(file);
  try {
    // O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new HearthError("FILE_OPEN_FAILED", `${name} is not a regular file.`);
      const read = async (start: number, end: number) => {
        if (start === end) return Buffer.alloc(0);
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      };
      return await readHead(engine, { name, fileBytes: stats.size, read });
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromSystemError(error) ?? error;
  }
}
