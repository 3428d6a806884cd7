/**
 * Small files of the machine, read without ever waiting for one: a FIFO, a socket or a folder in a file's place is an error at
 * once. Says what the system's errors mean in the catalogue's words. Knows nothing of what stands in the files.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { HearthError } from "./errors.js";

/** No configuration, list of keys or certificate is longer. */
const mostBytes = 64 * 1024 * 1024;

/** An error of the operating system, as Node throws it. */
export type SystemError = NodeJS.ErrnoException & { readonly code: string };

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && "errno" in error && "code" in error && typeof error.code === "string";
}

/** `EACCES: permission denied`; the call and the path that Node adds stand in the message around it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isSystemError(error) ? error.message.replace(/, \w+( '.*)?$/s, "") : error.message;
}

/** The system said that this user may not. */
export function isDenied(error: unknown): boolean {
  return isSystemError(error) && ["EACCES", "EPERM"].includes(error.code);
}

/** Nothing is there under this path. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && ["ENOENT", "ENOTDIR"].includes(error.code);
}

/** A path in a message: nobody reads more of it than this. */
export function shownPath(file: string): string {
  return file.length > 200 ? `${file.slice(0, 200)}...` : file;
}

const writingCalls =
  /^(write|f?truncate|f(data)?sync|rename|link|symlink|unlink|mkdir|mkdtemp|rmdir|[fl]?chmod|[fl]?chown|copyfile|utime)/;
const otherCalls = /^(open|read|close|f?stat|lstat|access|scandir|opendir|realpath|mmap|statfs|lseek)/;

/**
 * The reason why a call on a file failed, as DISK_FULL, FILE_WRITE_FAILED, FILE_READ_FAILED or FILE_OPEN_FAILED; null where
 * `error` is no such thing. Paths and permissions are the user's, so that none of this is a bug of ours.
 */
export function fromSystemError(error: unknown): HearthError | null {
  if (error instanceof TypeError && "code" in error && /null bytes/.test(error.message)) {
    return new HearthError("FILE_OPEN_FAILED", "A path holds a NUL character.", { cause: error });
  }
  if (!isSystemError(error)) return null;
  const { code, syscall = "", path = "A file" } = error;
  const message = `${shownPath(path)}: ${reasonOf(error)}.`;
  if (isFull(code)) return new HearthError("DISK_FULL", message, { cause: error });
  if (writingCalls.test(syscall)) return new HearthError("FILE_WRITE_FAILED", message, { cause: error });
  if (!otherCalls.test(syscall)) return null;
  return new HearthError(code === "EIO" ? "FILE_READ_FAILED" : "FILE_OPEN_FAILED", message, { cause: error });
}

export function isFull(code: string): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(code);
}

/**
 * All of a small file. Takes what never makes it wait: regular files, and devices such as /dev/null. Throws what the system
 * says, or FILE_OPEN_FAILED for another kind of file and for one that is too long.
 */
export function readSmallFile(file: string, limitBytes = mostBytes): Buffer {
  const refused = (what: string) => new HearthError("FILE_OPEN_FAILED", `${shownPath(file)}: it ${what}.`);
  // O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (stats.isFIFO()) throw refused("is a FIFO, not a regular file");
    if (!stats.isFile() && !stats.isCharacterDevice() && !stats.isDirectory()) throw refused("is not a regular file");
    const pieces: Buffer[] = [];
    for (let length = 0; ; ) {
      const piece = Buffer.allocUnsafe(64 * 1024);
      const bytes = readSync(fd, piece); // of a folder it says EISDIR
      if (bytes === 0) return Buffer.concat(pieces);
      length += bytes;
      if (length > limitBytes) throw refused(`holds more than ${limitBytes} bytes`);
      pieces.push(piece.subarray(0, bytes));
    }
  } finally {
    closeSync(fd);
  }
}

export function readSmallText(file: string, limitBytes = mostBytes): string {
  return readSmallFile(file, limitBytes).toString("utf8");
}
