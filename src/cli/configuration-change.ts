/**
 * A change of the service's configuration file: one command at a time, and one that can be taken back whatever the disk says. Knows the
 * file, nothing of the service.
 */
import { constants, copyFileSync, linkSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { withValue } from "../config/edit.js";
import { loadConfig } from "../config/load.js";
import type { OptionKey } from "../config/options.js";
import { storageError, storing, writeDurably } from "../store/durable-files.js";
import type { Locker } from "../store/file-lock.js";

/** Beside the file while a change is tried. */
const beforeSuffix = ".before";

/**
 * Runs `action` while no other command changes the file. STORE_BUSY. The lock is on the file's folder: it needs no file of its own, for
 * which a full disk would have no room.
 */
export async function whileNobodyElseChanges<T>(file: string, locker: Locker, action: () => Promise<T>): Promise<T> {
  const folder = path.dirname(realpathSync(file));
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (!locker.tryLock(handle.fd)) {
      throw new HearthError("STORE_BUSY", `Another command, such as hearth use or hearth lan, is changing ${file}.`);
    }
    return await action();
  } finally {
    await handle.close();
  }
}

export class ConfigurationChange {
  readonly #file: string;
  readonly #before: string;

  private constructor(file: string) {
    this.#file = file;
    this.#before = `${file}${beforeSuffix}`;
  }

  /**
   * Changes a value, on disk, for now. A link to the file stays one. CONFIG_ codes for a text that cannot be read then, FILE_WRITE_FAILED,
   * DISK_FULL: in each case nothing has changed.
   */
  static async make(link: string, key: OptionKey, value: string): Promise<ConfigurationChange> {
    const file = realpathSync(link);
    const change = new ConfigurationChange(file);
    const text = readFileSync(file, "utf8");
    try {
      change.#keepBefore();
      await replaceFile(file, withValue(text, key, value));
      loadConfig({ file, env: {}, flags: {} });
    } catch (error) {
      change.takeBack();
      throw error;
    }
    return change;
  }

  /** The file is as it was: the very file of before gets its name again, which takes no room on the disk. */
  takeBack(): void {
    try {
      renameSync(this.#before, this.#file);
      rmSync(this.#before, { force: true }); // a rename between two names of one file does nothing
    } catch (error) {
      if (statSync(this.#before, { throwIfNoEntry: false })) throw storageError(error, this.#file);
    }
  }

  /** The change stays. */
  keep(): void {
    rmSync(this.#before, { force: true });
  }

  #keepBefore(): void {
    rmSync(this.#before, { force: true }); // of a command that was killed
    try {
      linkSync(this.#file, this.#before);
    } catch {
      copyFileSync(this.#file, this.#before); // a file system without links, such as vfat
    }
  }
}

/** Another text for a file, whose owner and mode stay, as the service has to be able to read it. A link stays one. */
export async function replaceFile(link: string, text: string): Promise<void> {
  const file = realpathSync(link);
  const { mode, uid, gid } = statSync(file);
  await storing(file, () => writeDurably(file, text, mode & 0o777, { uid, gid }));
}
