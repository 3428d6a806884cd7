/** Checks API keys: whether a client needs one, whether the one it sent is known, and what that one may do. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type ApiKey, type Scope, scopes } from "../base/api-key.js";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import { isLoopback } from "./host-and-origin.js";

/** Who a request comes from. */
export interface Client {
  /** The key's id or the address: what rates are counted by. */
  readonly id: string;
  /** null where no key was needed. */
  readonly key: ApiKey | null;
  /** Came over loopback or the Unix socket, where many may share one address. */
  readonly local: boolean;
}

/** Whose what a client leaves behind is. Without keys nobody can be told from anybody. */
export function ownerOf({ key }: Client): string {
  return key?.id ?? "";
}

export interface Credentials {
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** The key where a browser's WebSocket has to put it, which cannot set headers; see `keyProtocol`. */
  readonly protocols: string | undefined;
  readonly address: string;
  /** Came over the Unix socket, whose file permissions say who may use it. */
  readonly unixSocket: boolean;
}

/** Subprotocol that carries a key, under the name that OpenAI's Realtime API gave it. */
export const keyProtocol = "openai-insecure-api-key.";

type AuthConfig = Pick<Config, "auth.mode" | "auth.keys" | "server.listen">;

function needsKey({ "auth.mode": mode, "server.listen": { host } }: AuthConfig): boolean {
  return mode === "required" || (mode === "auto" && !isLoopback(host));
}

/** Throws CONFIG_BAD_VALUE where the network could use the server without a key and nobody has said that it may. */
export function checkAuth(config: AuthConfig, stored: () => readonly ApiKey[]): void {
  if (!needsKey(config) || config["auth.keys"].length + stored().length > 0) return;
  const { host, port } = config["server.listen"];
  const reach = config["auth.mode"] === "required" ? "auth.mode is required" : `the network can reach ${host}:${port}`;
  throw new HearthError(
    "CONFIG_BAD_VALUE",
    `There is no API key, and ${reach}. Make one with \`hearth key create NAME\`, or set auth.mode to "off" to let everyone in.`,
    { param: "auth.keys" },
  );
}

export class Authenticator {
  readonly #config: AuthConfig;
  readonly #stored: () => readonly ApiKey[];

  /** Both are read for each request: `stored` gives the keys of the moment. Throws what checkAuth() throws. */
  constructor(config: AuthConfig, stored: () => readonly ApiKey[]) {
    this.#config = config;
    this.#stored = stored;
    checkAuth(config, stored);
  }

  get required(): boolean {
    return needsKey(this.#config);
  }

  /** Throws API_KEY_INVALID, or KEY_SCOPE_MISSING for a key that may not do this. */
  check(credentials: Credentials, scope: Scope): Client {
    const { address, unixSocket } = credentials;
    const local = unixSocket || isLoopback(address);
    if (!this.required || (unixSocket && this.#config["auth.mode"] === "auto"))
      return { id: address, key: null, local };
    const key = this.#find(credentials);
    if (!key.scopes.includes(scope)) {
      throw new HearthError("KEY_SCOPE_MISSING", `The key ${key.name} lacks the scope ${scope}.`);
    }
    return { id: key.id, key, local };
  }

  #find({ authorization, protocols }: Credentials): ApiKey {
    const sent = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? keyInProtocols(protocols);
    if (sent === undefined) throw new HearthError("API_KEY_INVALID", "The request carries no API key.");
    const hash = createHash("sha256").update(sent).digest();
    // All are compared, so that the time says nothing about which one was near.
    const known = [...this.#config["auth.keys"].map(configuredKey), ...this.#stored()];
    const [found] = known.filter((key) => timingSafeEqual(Buffer.from(key.hash, "hex"), hash));
    if (!found) throw new HearthError("API_KEY_INVALID", "The API key is not known.");
    return found;
  }
}

/** A hash in the configuration belongs to whoever runs the daemon. */
function configuredKey(hash: string): ApiKey {
  const id = `config-${hash.slice(0, 8)}`;
  return { id, name: id, hash, scopes, requestsPerMinute: null, concurrentRequests: null };
}

function keyInProtocols(protocols: string | undefined): string | undefined {
  const names = (protocols ?? "").split(",").map((name) => name.trim());
  return names.find((name) => name.startsWith(keyProtocol))?.slice(keyProtocol.length);
}
