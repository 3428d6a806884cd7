/**
 * The configuration of a running daemon. Options that can change while it runs are those of the last reload; all others stay as they
 * were at the start. Knows which are which, not who uses them.
 */
import { isDeepStrictEqual } from "node:util";
import { type Config, type OptionKey, optionKeys } from "./options.js";

/** Options that a reload takes over. */
export const reloadable: ReadonlySet<OptionKey> = new Set<OptionKey>([
  "server.allowed_hosts",
  "server.allowed_origins",
  "auth.mode",
  "auth.keys",
  "prefix.pinned",
  "limits.requests_per_minute",
  "limits.sockets",
  "limits.sockets_per_address",
  "limits.connections",
  "limits.connections_per_address",
  "limits.unread_bytes",
  "limits.turns",
  "limits.loop_repeats",
  "limits.loop_tokens",
  "limits.headers_ms",
  "limits.request_ms",
  "limits.socket_ms",
  "upstream",
  "log.level",
]);

/** The options that a new configuration changes. */
export interface ConfigChange {
  /** In use from now on. */
  readonly taken: readonly OptionKey[];
  /** Not before a restart. */
  readonly waiting: readonly OptionKey[];
}

export class LiveConfig {
  /** Reads the present values: whoever reads an option when it is needed sees what a reload changed. */
  readonly config: Config;
  #values: Config;

  constructor(config: Config) {
    this.#values = config;
    const getters = optionKeys.map((key) => [key, { enumerable: true, get: () => this.#values[key] }]);
    this.config = Object.defineProperties({} as Config, Object.fromEntries(getters));
  }

  /** `next` as far as it can be taken over: what `update` would make of it. */
  preview(next: Config): Config {
    const values = optionKeys.map((key) => [key, reloadable.has(key) ? next[key] : this.#values[key]]);
    return Object.freeze(Object.fromEntries(values));
  }

  update(next: Config): ConfigChange {
    const changed = optionKeys.filter((key) => !isDeepStrictEqual(next[key], this.#values[key]));
    this.#values = this.preview(next);
    return {
      taken: changed.filter((key) => reloadable.has(key)),
      waiting: changed.filter((key) => !reloadable.has(key)),
    };
  }
}
