/** Links by which a browser of the home finds the pages, with a key that lets it in. Pure but for the machine itself. */
import { hostname, networkInterfaces } from "node:os";
import { formatAddress } from "../config/kinds.js";
import type { Config } from "../config/options.js";

/**
 * The chat page's addresses, the one by name first. The key stands behind the `#`: a browser keeps that part to itself, so that it comes
 * into no log.
 */
export function pageLinks(
  config: Pick<Config, "server.listen" | "tls.cert" | "tls.self_signed">,
  key: string,
  machine = { name: hostname(), addresses: lanAddresses() },
): string[] {
  const { host, port } = config["server.listen"];
  const scheme = config["tls.cert"] !== "" || config["tls.self_signed"] ? "https" : "http";
  const isAny = host === "0.0.0.0" || host === "::";
  const hosts = isAny ? [`${machine.name.replace(/\.local$/, "")}.local`, ...machine.addresses] : [host];
  return hosts.map((each) => `${scheme}://${formatAddress({ host: each, port })}/#key=${key}`);
}

/** IPv4 addresses that other machines reach this one by. */
function lanAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, family }) => !internal && family === "IPv4").map(({ address }) => address);
}
