/**
 * Keys and certificates that systemd hands to the service alone (systemd.exec(5), LoadCredential=): files that only root can read
 * outside of it. Adds them to the configuration; what the file says itself comes first.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { hashKey } from "../base/api-key.js";
import { HearthError } from "../base/errors.js";
import { readSmallText, reasonOf } from "../base/files.js";
import type { Config } from "../config/options.js";

/** The unit's name for the folder, which systemd puts before each file's. */
const prefix = "hearth_";
/** The keys outside of the service, where only root can read them; the package makes the first at its installation. */
export const keysCredential = "/etc/hearth/credentials/api-keys";
/** A key that is shorter can be guessed. */
const shortestKey = 20;

/** CONFIG_BAD_VALUE for a file of keys that cannot be read, or holds what is no key. */
export function withCredentials(config: Config, env: Readonly<Record<string, string | undefined>>): Config {
  const folder = env.CREDENTIALS_DIRECTORY;
  if (!folder) return config;
  const file = (name: string) => path.join(folder, prefix + name);
  const [keys, cert, key] = [file("api-keys"), file("tls-cert.pem"), file("tls-key.pem")];
  const isPlain = config["tls.cert"] === "" && config["tls.key"] === "" && !config["tls.self_signed"];
  return Object.freeze({
    ...config,
    ...(existsSync(keys) && { "auth.keys": [...config["auth.keys"], ...readKeys(keys)] }),
    ...(isPlain && existsSync(cert) && existsSync(key) && { "tls.cert": cert, "tls.key": key }),
  });
}

/** The lines of a file of keys without their comments. */
export function keyLines(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/#.*/, "").trim());
}

/** The hashes of the keys of a file, each on a line of its own; `#` begins a comment. */
function readKeys(file: string): string[] {
  const wrong = (why: string, cause?: unknown) =>
    new HearthError("CONFIG_BAD_VALUE", `${keysCredential}: ${why}.`, { param: "auth.keys", cause });
  let text: string;
  try {
    text = readSmallText(file);
  } catch (error) {
    throw wrong(reasonOf(error), error);
  }
  return keyLines(text).flatMap((line, i) => {
    if (line === "") return [];
    if (/\s/.test(line)) throw wrong(`line ${i + 1} holds more than one key`);
    if (line.length < shortestKey) throw wrong(`the key of line ${i + 1} is shorter than ${shortestKey} characters`);
    return [hashKey(line)];
  });
}
