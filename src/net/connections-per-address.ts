/** Limits the connections of one address, so that one host cannot take them all. Pure. */
import { isIPv6 } from "node:net";
import { canonicalAddress } from "../base/addresses.js";
import { isLoopback } from "./host-and-origin.js";

/** Hosts choose their own address in an IPv6 network (/64); all that such a network holds is this many times one's share. */
const sharesOfNetwork = 2;

export class ConnectionsPerAddress {
  readonly #perAddress: () => number;
  readonly #taken = new Map<string, number>();

  /** `perAddress` is asked for each connection. */
  constructor(perAddress: () => number) {
    this.#perAddress = perAddress;
  }

  /** Addresses and networks that hold connections. */
  get size(): number {
    return this.#taken.size;
  }

  /** A place for a connection from `address`, to be given back by calling the result; null when it has its share. */
  take(address: string): (() => void) | null {
    // Behind loopback may stand a proxy with many clients.
    if (isLoopback(address)) return () => {};
    const shares = sharesOf(canonicalAddress(address));
    const isFull = shares.some(({ name, share }) => (this.#taken.get(name) ?? 0) >= share * this.#perAddress());
    if (isFull) return null;
    for (const { name } of shares) this.#add(name, 1);
    let isTaken = true;
    return () => {
      if (isTaken) for (const { name } of shares) this.#add(name, -1);
      isTaken = false;
    };
  }

  #add(name: string, count: number): void {
    const taken = (this.#taken.get(name) ?? 0) + count;
    if (taken > 0) this.#taken.set(name, taken);
    else this.#taken.delete(name);
  }
}

function sharesOf(address: string): { name: string; share: number }[] {
  const own = { name: address, share: 1 };
  return isIPv6(address) ? [own, { name: networkOf(address), share: sharesOfNetwork }] : [own];
}

/** `2001:db8::1` -> `2001:db8:0:0::/64`. */
function networkOf(address: string): string {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail ?? "")];
  return `${all.slice(0, 4).join(":")}::/64`;
}
