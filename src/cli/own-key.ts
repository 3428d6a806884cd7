/** The API key that a command of this machine speaks to the daemon with. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { keyLines, keysCredential } from "../daemon/credentials.js";

/** The name that systemd hands it to a unit by. */
const credential = "hearth_api-keys";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * HEARTH_API_KEY, else the first key that systemd hands to this unit, else that of the package where this user may read it. null: none;
 * a daemon that listens for its own machine wants none. `root`: the folder that /etc is in. COMMAND_INVALID.
 */
export function ownKey(env: Environment, root: string): string | null {
  const { HEARTH_API_KEY: given } = env;
  if (given && !/^[\x21-\x7e]+$/.test(given)) {
    throw new HearthError("COMMAND_INVALID", "HEARTH_API_KEY is no key: it holds spaces or other characters.");
  }
  if (given) return given;
  const handed = env.CREDENTIALS_DIRECTORY ? firstKey(path.join(env.CREDENTIALS_DIRECTORY, credential)) : null;
  return handed ?? firstKeyOf(root);
}

/** The package's first key; null where there is none, or this user may not read it. */
export function firstKeyOf(root: string): string | null {
  return firstKey(path.join(root, keysCredential));
}

function firstKey(file: string): string | null {
  try {
    if (!existsSync(file)) return null;
    return keyLines(readFileSync(file, "utf8")).find((line) => line !== "") ?? null;
  } catch {
    return null; // others are for root alone
  }
}
