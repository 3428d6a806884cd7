/** API keys: whether clients need one, and whether the one they sent is known. Keys are kept as hashes only. */
import { createHash, timingSafeEqual } from "node:crypto";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import { isLoopback } from "./access.js";

export class Authenticator {
  readonly required: boolean;
  readonly #hashes: readonly Buffer[];

  /** Throws CONFIG_BAD_VALUE where the network could use the server without a key and nobody has said that it may. */
  constructor(config: Pick<Config, "auth.mode" | "auth.keys" | "server.listen">) {
    const { host, port } = config["server.listen"];
    const mode = config["auth.mode"];
    this.required = mode === "required" || (mode === "auto" && !isLoopback(host));
    this.#hashes = config["auth.keys"].map((hash) => Buffer.from(hash, "hex"));
    if (this.required && this.#hashes.length === 0) {
      const reach = mode === "required" ? "auth.mode is required" : `the network can reach ${host}:${port}`;
      throw new HearthError(
        "CONFIG_BAD_VALUE",
        `No API key is configured, and ${reach}. Add the SHA-256 of a key to auth.keys, or set auth.mode to "off" to let everyone in.`,
        { param: "auth.keys" },
      );
    }
  }

  /** Throws API_KEY_INVALID unless `authorization` is `Bearer` and a known key, or none is needed. */
  check(authorization: string | undefined): void {
    if (!this.required) return;
    const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (key === undefined) throw new HearthError("API_KEY_INVALID", "The request carries no API key.");
    const hash = createHash("sha256").update(key).digest();
    // All are compared, so that the time says nothing about which one was near.
    const matches = this.#hashes.filter((known) => timingSafeEqual(known, hash));
    if (matches.length === 0) throw new HearthError("API_KEY_INVALID", "The API key is not known.");
  }
}
