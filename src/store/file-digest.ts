/** Computes the digest of a file, a SHA-256. Whoever has it compares it: verify-model.ts, pull/file-download.ts. */
import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { HearthError } from "../base/errors.js";

/** Small enough that streams beside it do not stutter while a piece is hashed on a small board: about 2 ms. */
const pieceBytes = 256 * 1024;

/** 64 hex digits. `onBytes` is told how many more bytes were read. FILE_READ_FAILED; aborting throws the signal's reason. */
export async function hashFile(file: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    // Opening a FIFO must not hang.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    // @types/node wants the flags as a string; node:fs takes numbers too.
    const options = { highWaterMark: pieceBytes, flags: flags as unknown as string };
    for await (const piece of createReadStream(file, options) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      hash.update(piece);
      onBytes(piece.length);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new HearthError("FILE_READ_FAILED", `${file}: ${(error as Error).message}.`, { cause: error });
  }
  return hash.digest("hex");
}
