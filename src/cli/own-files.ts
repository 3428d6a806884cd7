/**
 * The names of all that hearth keeps in folders of the system. Only these are removed: a folder may be a disk of its own, and hold what
 * others have put there. deploy/deb/postrm has the same names, which a test holds equal.
 */
import { lstatSync, realpathSync } from "node:fs";
import { readdir, rm, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import { isSystemError } from "../base/files.js";
import { isFreshName } from "../store/durable-files.js";

export const modelsName = "models";

export const ownNames = {
  /** The names in state.path. */
  state: [
    ...["keys.json", "chats", "responses", "prefixes", "experts", "digests.json", "tunings.json", "tls.pem", ".locks"],
    modelsName,
  ],
  /** The names in /etc/hearth. */
  configuration: ["hearth.toml", "hearth.toml.before", "hearth.toml.dpkg-dist", "hearth.toml.dpkg-old"],
  /** The names in /etc/hearth/credentials. */
  credentials: ["api-keys", "tls-cert.pem", "tls-key.pem"],
} as const;

/** Removes what has these names in a folder, and what was on its way to them; then the folder, if nothing else is in it. */
export async function removeOwn(folder: string, names: readonly string[]): Promise<void> {
  if (!lstatSync(folder, { throwIfNoEntry: false })) return;
  const isOwn = (found: string) => names.some((name) => found === name || isFreshName(found, name));
  for (const found of await readdir(folder)) {
    if (isOwn(found)) await removeAsFarAsItGoes(path.join(folder, found));
  }
  await removeIfEmpty(folder);
}

/** From a place that is a disk of its own its content goes. */
async function removeAsFarAsItGoes(place: string): Promise<void> {
  try {
    await rm(place, { recursive: true, force: true });
  } catch (error) {
    if (!isSystemError(error) || error.code !== "EBUSY") throw error;
    for (const name of await readdir(place)) await rm(path.join(place, name), { recursive: true, force: true });
  }
}

/** The folder of a user that systemd made up is a link into a folder of such users. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    const real = realpathSync(folder);
    await rmdir(real);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) await unlink(folder);
  } catch {} // others have something in it, or it is a disk of its own
}
