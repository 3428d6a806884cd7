/** The API keys on disk: hashes with names, scopes and limits in one JSON file. It is read again whenever it was replaced. */
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { type ApiKey, hashKey, scopes } from "../base/api-key.js";
import { priorities } from "../base/demand.js";
import { HearthError } from "../base/errors.js";
import { makeFolder, privateMode, storing, writeDurably } from "./durable.js";

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
const fileSchema = z.object({ version: z.literal(1), keys: z.array(keySchema).max(4096) });

export type StoredKey = ApiKey & { readonly createdAt: number };
export type NewKey = Pick<ApiKey, "name" | "scopes" | "requestsPerMinute" | "concurrentRequests" | "priority">;

export class KeyFile {
  readonly path: string;
  #seen = "";
  #keys: readonly StoredKey[] = [];

  constructor(stateFolder: string) {
    this.path = path.join(stateFolder, "keys.json");
  }

  /** The keys as the file has them now; none where there is no file. Throws KEY_FILE_INVALID. */
  keys(): readonly StoredKey[] {
    const version = this.#fileVersion();
    if (version === this.#seen) return this.#keys;
    this.#keys = version === "" ? [] : this.#read();
    this.#seen = version;
    return this.#keys;
  }

  /** Makes a key and returns it: nobody can read it again. COMMAND_INVALID, KEY_FILE_INVALID. */
  async create(wanted: NewKey, createdAt: number): Promise<{ key: string; stored: StoredKey }> {
    if (!keyNamePattern.test(wanted.name)) {
      const message = "A key's name is a letter and then up to 63 letters, digits and . _ -";
      throw new HearthError("COMMAND_INVALID", `${message}, not ${JSON.stringify(wanted.name.slice(0, 80))}.`);
    }
    if (this.keys().some(({ name }) => name === wanted.name)) {
      throw new HearthError(
        "COMMAND_INVALID",
        `There is a key ${wanted.name} already; revoke it or take another name.`,
      );
    }
    const key = `hearth_${randomBytes(32).toString("base64url")}`;
    const id = `${randomBytes(1).readUInt8() % 10}${randomBytes(4).toString("hex").slice(1)}`;
    const stored = { ...wanted, id, hash: hashKey(key), createdAt };
    await this.#write([...this.keys(), stored]);
    return { key, stored };
  }

  /** Takes a key's name or id; the daemon refuses the key from then on. COMMAND_INVALID where there is none. */
  async revoke(nameOrId: string): Promise<StoredKey> {
    const revoked = this.keys().find(({ name, id }) => name === nameOrId || id === nameOrId);
    if (!revoked) throw new HearthError("COMMAND_INVALID", `There is no key ${JSON.stringify(nameOrId.slice(0, 80))}.`);
    await this.#write(this.keys().filter((key) => key !== revoked));
    return revoked;
  }

  async #write(keys: readonly StoredKey[]): Promise<void> {
    await storing(this.path, async () => {
      await makeFolder(path.dirname(this.path));
      await writeDurably(this.path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`, privateMode);
    });
  }

  /** Changes whenever the file is replaced; empty where there is none. */
  #fileVersion(): string {
    try {
      const { ino, size, mtimeNs } = statSync(this.path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
      throw this.#invalid(error);
    }
  }

  #read(): readonly StoredKey[] {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.path, "utf8"))).keys;
    } catch (error) {
      throw this.#invalid(error);
    }
  }

  #invalid(error: unknown): HearthError {
    const what = error instanceof z.ZodError ? "it does not hold keys" : reason(error);
    return new HearthError("KEY_FILE_INVALID", `Cannot read the keys in ${this.path}: ${what}.`, { cause: error });
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
