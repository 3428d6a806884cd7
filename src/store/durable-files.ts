/**
 * Files that are whole or not there: written beside their place, synced, renamed, and their folder synced. Knows nothing of
 * models.
 */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chown, type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { isFull, isMissing, isSystemError, reasonOf, shownPath } from "../base/files.js";

/** A failure of storage, as DISK_FULL or FILE_WRITE_FAILED; errors of the catalogue stay as they are. */
export function storageError(error: unknown, file: string): HearthError {
  if (error instanceof HearthError) return error;
  if (isSystemError(error) && isFull(error.code)) {
    return new HearthError("DISK_FULL", `There is no room for ${shownPath(file)}.`, { cause: error });
  }
  return new HearthError("FILE_WRITE_FAILED", `${shownPath(file)}: ${reasonOf(error)}.`, { cause: error });
}

/** Runs `action`; what it throws becomes an error about `file`. */
export async function storing<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storageError(error, file);
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives a synced file its name. After this it survives a power cut under that name. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(path.dirname(to));
}

/** Permissions of files that nobody but the daemon is to read. */
export const privateMode = 0o600;

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** A new file whose content is on disk; its name is not yet. With `owner` it has that, and the mode whatever the umask is. */
export async function writeSynced(file: string, content: string, mode = 0o666, owner?: FileOwner): Promise<void> {
  const handle = await open(file, "wx", mode);
  try {
    if (owner) {
      if (process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid);
      await handle.chmod(mode);
    }
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const freshSuffix = ".new";

/** A name beside the file that nobody else uses; `isFreshName` knows what a crash left of it. */
export function freshName(file: string): string {
  return `${file}.${randomBytes(6).toString("hex")}${freshSuffix}`;
}

/** Whether `name` is that of a file on its way to `of`, or to any file. Earlier versions had no random part. */
export function isFreshName(name: string, of?: string): boolean {
  const match = /^(.+?)(\.[0-9a-f]{12})?\.new$/.exec(name);
  return match !== null && (of === undefined || match[1] === of);
}

/**
 * Replaces a small file as a whole. What root writes belongs to the folder's owner. The caller holds the file's lock, where
 * others write it too: what stands beside it half written is then of a crash, and goes.
 */
export async function writeDurably(file: string, content: string, mode = 0o666, owner?: FileOwner): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder)) {
    if (isFreshName(name, path.basename(file))) await rm(path.join(folder, name), { force: true });
  }
  const fresh = freshName(file);
  try {
    await writeSynced(fresh, content, mode, owner);
    if (!owner) await inheritOwner(fresh);
    await renameDurably(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {}); // the first error says more
    throw error;
  }
}

/**
 * Makes the folder and those above it. What root makes belongs to whom the folder above belongs: the service may use it.
 * Not mkdir's own `recursive`: where a folder can never be made, as below /proc or behind a dangling link, Node's tries for ever.
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const there = await statIfThere(folder);
  if (there?.isDirectory()) return;
  const above = path.dirname(folder);
  if (!there && above !== folder) await makeFolder(above);
  try {
    await mkdir(folder, mode);
  } catch (error) {
    // Somebody else made it meanwhile, unless a file or a dangling link has its name.
    if (!isSystemError(error) || error.code !== "EEXIST" || !(await statIfThere(folder))?.isDirectory()) throw error;
  }
  await inheritOwner(folder);
  await syncFolder(above);
}

/** Gives a file the owner of its folder, where the process runs as root. */
export async function inheritOwner(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(path.dirname(file));
  if (uid !== 0) await chown(file, uid, gid);
}

export async function exists(file: string): Promise<boolean> {
  return (await statIfThere(file)) !== null;
}

export async function statIfThere(file: string): Promise<Stats | null> {
  try {
    return await stat(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Writes all of `bytes` at `position`. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** DISK_FULL unless `folder` has room for `bytes` more. */
export async function checkRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes <= free) return;
  const message = `${megabytes(bytes)} are needed in ${folder} and ${megabytes(free)} are free.`;
  throw new HearthError("DISK_FULL", message);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`;
}
