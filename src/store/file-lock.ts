/**
 * Locks between processes: flock(2) on a file of its own, which the kernel gives back however its holder ends, so that none is
 * ever left behind. Knows nothing of what a lock is for.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import type { EngineModule } from "../engine/contract.js";
import { inheritOwner, makeFolder, storing } from "./durable-files.js";

/** The addon's flock(2): Node has none. */
export type Locker = Pick<EngineModule, "tryLock">;

/** Beside what is locked; the files in it stay, for a lock that could be removed would be no lock. */
const lockFolder = ".locks";
/** The work under a lock takes milliseconds, on a slow card a second. */
const usualWaitMs = 10_000;
const pollMs = 15;

/** The lock's file for something in `folder`. */
export function lockFileIn(folder: string, name: string): string {
  return path.join(folder, lockFolder, name);
}

/** Held until it is closed, or the process ends; null while somebody else holds it. FILE_WRITE_FAILED, DISK_FULL. */
export async function tryHold(file: string, locker: Locker): Promise<FileHandle | null> {
  return storing(file, async () => {
    await makeFolder(path.dirname(file));
    // Opened for both, a FIFO in its place does not wait for somebody at its other end.
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK, 0o666);
    try {
      await inheritOwner(file);
      if (locker.tryLock(handle.fd)) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return null;
  });
}

/** Runs `action` while nobody else holds the lock. STORE_BUSY with `busy` when it is not free in time. */
export async function withLock<T>(
  file: string,
  locker: Locker,
  busy: string,
  action: () => Promise<T>,
  waitMs = usualWaitMs,
): Promise<T> {
  const giveUpAt = performance.now() + waitMs;
  let held = await tryHold(file, locker);
  while (held === null) {
    if (performance.now() > giveUpAt) throw new HearthError("STORE_BUSY", busy);
    // Not in step with others that wait, too.
    await sleep(pollMs * (0.5 + Math.random()));
    held = await tryHold(file, locker);
  }
  try {
    return await action();
  } finally {
    await held.close();
  }
}
