/**
 * Checks the Host and Origin headers of a request. A page on the internet can make a browser send requests to this device, by
 * rebinding its own name (then Host names a stranger) or directly (then Origin does). Pure: headers in, verdicts out.
 */
import { isIP } from "node:net";
import { isLocalAddress } from "../base/addresses.js";

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  const mapped = host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
  return isIP(mapped) === 4 && mapped.startsWith("127.");
}

export interface AccessOptions {
  /** Names of this device and configured ones, without ports. */
  readonly names: readonly string[];
  /** This device's addresses at the moment: they change. */
  readonly addresses: () => readonly string[];
  /** Pages that may use the server beside its own. */
  readonly origins: readonly string[];
}

export class AccessRules {
  readonly #names: ReadonlySet<string>;
  readonly #addresses: () => readonly string[];
  readonly #origins: ReadonlySet<string>;

  constructor({ names, addresses, origins }: AccessOptions) {
    this.#names = new Set([...names, "localhost"].map((name) => name.toLowerCase()));
    this.#addresses = addresses;
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /** Own and configured names, `*.local`, `*.localhost`, literal addresses of the local network and of the device. */
  allowsHost(host: string | undefined): boolean {
    const name = hostName(host);
    if (name === null) return false;
    if (isIP(name) !== 0) return isLocalAddress(name) || this.#addresses().includes(name);
    return this.#names.has(name) || name.endsWith(".local") || name.endsWith(".localhost");
  }

  /** Programs send no Origin. A page's has to be the server's own, whatever its scheme, or configured. */
  allowsOrigin(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    return this.isConfiguredOrigin(origin) || sameHost(origin, host);
  }

  /** Such a page may also read the answers (CORS). */
  isConfiguredOrigin(origin: string | undefined): boolean {
    return origin !== undefined && this.#origins.has(origin.toLowerCase());
  }
}

/** `pi.local:11434` -> `pi.local`, `[::1]:80` -> `::1`; null when it is no host with an optional port. */
function hostName(host: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(host ?? "");
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, "");
}

function sameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return false;
  const own = `${new URL(origin).protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === new URL(origin).host;
}
