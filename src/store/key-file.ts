/** The API keys on disk: hashes with names, scopes and limits in one JSON file. It is read again whenever it was replaced. */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { type ApiKey, hashKey, scopes } from "../base/api-key.js";
import { priorities } from "../base/demand.js";
import { HearthError } from "../base/errors.js";
import { isMissing, isSystemError, readSmallText, reasonOf, shownPath } from "../base/files.js";
import { makeFolder, privateMode, storing, writeDurably } from "./durable-files.js";
import { type Locker, lockFileIn, withLock } from "./file-lock.js";

/** Also keeps names apart from ids, which start with a digit. */
export const keyNamePattern = /^[a-z][\w.-]{0,63}$/i;

const keySchema = z.object({
  id: z.string().regex(/^[0-9][0-9a-f]{7}$/),
  name: z.string().regex(keyNamePattern),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(scopes)).min(1),
  requestsPerMinute: z.int().min(1).nullable(),
  concurrentRequests: z.int().min(1).nullable(),
  priority: z.enum(priorities).default("default"),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
});
const mostKeys = 4096;
const fileSchema = z.object({ version: z.literal(1), keys: z.array(keySchema).max(mostKeys) });

export type StoredKey = ApiKey & { readonly createdAt: number };
export type NewKey = Pick<ApiKey, "name" | "scopes" | "requestsPerMinute" | "concurrentRequests" | "priority">;

export class KeyFile {
  readonly path: string;
  readonly #locker: Locker;
  /** Version of the file that was read last; null: none, or it has to be read again. */
  #seen: string | null = null;
  /** The keys of the file when it was last read, or the reason why there were none. */
  #read: readonly StoredKey[] | HearthError = [];

  constructor(stateFolder: string, locker: Locker) {
    this.path = path.join(stateFolder, "keys.json");
    this.#locker = locker;
  }

  /** The keys as the file has them now; none where there is no file. Throws KEY_FILE_INVALID. */
  keys(): readonly StoredKey[] {
    const version = this.#fileVersion();
    if (version !== this.#seen) {
      this.#read = version === "" ? [] : this.#readFile();
      this.#seen = version;
    }
    if (this.#read instanceof HearthError) throw this.#read;
    return this.#read;
  }

  /** Makes a key and returns it: nobody can read it again. COMMAND_INVALID, KEY_FILE_INVALID, STORE_BUSY. */
  async create(wanted: NewKey, createdAt: number): Promise<{ key: string; stored: StoredKey }> {
    if (!keyNamePattern.test(wanted.name)) {
      const message = "A key's name is a letter and then up to 63 letters, digits and . _ -";
      throw new HearthError("COMMAND_INVALID", `${message}, not ${JSON.stringify(wanted.name.slice(0, 80))}.`);
    }
    return this.#change(async (keys) => {
      if (keys.some(({ name }) => name === wanted.name)) {
        throw new HearthError(
          "COMMAND_INVALID",
          `There is a key ${wanted.name} already; revoke it or take another name.`,
        );
      }
      if (keys.length >= mostKeys) {
        throw new HearthError("COMMAND_INVALID", `There are ${mostKeys} keys already; revoke those that nobody uses.`);
      }
      const key = `hearth_${randomBytes(32).toString("base64url")}`;
      const id = `${randomBytes(1).readUInt8() % 10}${randomBytes(4).toString("hex").slice(1)}`;
      const stored = { ...wanted, id, hash: hashKey(key), createdAt };
      await this.#write([...keys, stored]);
      return { key, stored };
    });
  }

  /** Takes a key's name or id; the daemon refuses the key from then on. COMMAND_INVALID where there is none, STORE_BUSY. */
  async revoke(nameOrId: string): Promise<StoredKey> {
    return this.#change(async (keys) => {
      const revoked = keys.find(({ name, id }) => name === nameOrId || id === nameOrId);
      if (!revoked) {
        throw new HearthError("COMMAND_INVALID", `There is no key ${JSON.stringify(nameOrId.slice(0, 80))}.`);
      }
      await this.#write(keys.filter((key) => key !== revoked));
      return revoked;
    });
  }

  /** From reading to writing nobody else changes the file: what one command made, another would undo. */
  #change<T>(change: (keys: readonly StoredKey[]) => Promise<T>): Promise<T> {
    const lock = lockFileIn(path.dirname(this.path), "keys");
    this.keys(); // what cannot be read needs no lock
    return withLock(lock, this.#locker, "Somebody else is changing the keys.", () => {
      this.#seen = null; // time stamps are too coarse to tell what was written a moment ago
      return change(this.keys());
    });
  }

  async #write(keys: readonly StoredKey[]): Promise<void> {
    await storing(this.path, async () => {
      await makeFolder(path.dirname(this.path));
      await writeDurably(this.path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`, privateMode);
    });
    this.#seen = null;
  }

  /** Changes whenever the file is replaced, or its permissions are; empty where there is none. */
  #fileVersion(): string {
    try {
      const { ino, size, mtimeNs, ctimeNs } = statSync(this.path, { bigint: true });
      return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    } catch (error) {
      if (isMissing(error)) return "";
      throw this.#invalid(error);
    }
  }

  /** Throws what may be over at the next try, such as too many open files; a file that holds no keys stays as it is. */
  #readFile(): readonly StoredKey[] | HearthError {
    let text: string;
    try {
      text = readSmallText(this.path);
    } catch (error) {
      throw this.#invalid(error);
    }
    try {
      return fileSchema.parse(JSON.parse(text)).keys;
    } catch (error) {
      return this.#invalid(error);
    }
  }

  #invalid(error: unknown): HearthError {
    const what = error instanceof z.ZodError ? "it does not hold keys" : reasonOf(error);
    const message = `Cannot read the keys in ${shownPath(this.path)}: ${what.replace(/[.\s]+$/, "")}.`;
    const advice = isSystemError(error) ? "Check the permissions of the file and its folder." : undefined;
    return new HearthError("KEY_FILE_INVALID", message, { cause: error, ...(advice && { advice }) });
  }
}
