/** Kinds of IP addresses: loopback, private, link-local. Pure. */
import { BlockList, isIP } from "node:net";

function networks(list: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const block = new BlockList();
  for (const [network, prefix] of list) block.addSubnet(network, prefix, isIP(network) === 4 ? "ipv4" : "ipv6");
  return block;
}

/** Loopback, private, link-local and shared (RFC 6598, overlay networks) addresses. */
const local = networks([
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
]);

/** Not local, and not for hosts of the internet either (IANA's special-purpose registries), or ways around to local ones. */
const special = networks([
  ["0.0.0.0", 8],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fec0::", 10],
  ["ff00::", 8],
]);

/** Whether the address is one of this machine or of its local network. */
export function isLocalAddress(address: string): boolean {
  return inside(local, address);
}

/** An address that a host of the internet may have. */
export function isPublicAddress(address: string): boolean {
  return isIP(address) !== 0 && !inside(local, address) && !inside(special, address);
}

/** IPv4 as such where a dual-stack socket shows it mapped into IPv6: `::ffff:192.0.2.1` -> `192.0.2.1`. */
export function canonicalAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

function inside(block: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && block.check(address, version === 4 ? "ipv4" : "ipv6");
}
