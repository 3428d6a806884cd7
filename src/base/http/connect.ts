/**
 * Opens a connection for one request: the address of the name, TCP, a tunnel where a proxy is in the way, and TLS.
 * Knows nothing of the request.
 */
import type { LookupAddress, LookupOptions } from "node:dns";
import { lookup } from "node:dns/promises";
import { request } from "node:http";
import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { isPublicAddress } from "../addresses.js";
import { HttpFailure, secondsOf, toFailure } from "./failure.js";

export interface ConnectOptions {
  /** Milliseconds until the connection is there. */
  readonly connectMs: number;
  /** Milliseconds to find the address of a name: a resolver that nobody hears takes half a minute by itself. */
  readonly lookupMs: number;
  /** `public`: a host of which one address is not is not connected to. A proxy may be anywhere, and looks for itself. */
  readonly addresses: "any" | "public";
  /** http: or https:, with a user name and a password where it wants them. */
  readonly proxy: URL | null;
}

/** A connection that has listened to its errors from the start. Throws HttpFailure, and what the signal is aborted with. */
export async function connect(url: URL, options: ConnectOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, lookupMs, addresses } = options;
  if (!proxy) return open(url, lookupWithin(lookupMs, addresses), signal);
  const toProxy = await open(proxy, lookupWithin(lookupMs, "any"), signal).catch((error) => {
    throw error instanceof HttpFailure ? behind(proxy, error) : error;
  });
  try {
    await openTunnel(toProxy, proxy, url, signal);
    if (url.protocol !== "https:") return toProxy;
    const secured = tlsConnect({ ...tlsTarget(url), socket: toProxy });
    secured.once("close", () => toProxy.destroy());
    return await ready(secured, signal);
  } catch (error) {
    toProxy.destroy();
    throw error;
  }
}

const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, "");
const portOf = (url: URL) => Number(url.port) || (url.protocol === "https:" ? 443 : 80);

/** An address goes without a server name (RFC 6066, section 3); its certificate is checked all the same. */
const tlsTarget = (url: URL) => ({
  host: hostOf(url),
  ALPNProtocols: ["http/1.1"],
  ...(isIP(hostOf(url)) === 0 && { servername: hostOf(url) }),
});

/** Node tries the addresses of a name in turn, as RFC 8305 ("Happy Eyeballs") has it. */
function open(url: URL, lookup: LookupFunction, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const port = portOf(url);
  if (url.protocol === "https:") return ready(tlsConnect({ ...tlsTarget(url), port, lookup }), signal);
  return ready(tcpConnect({ host: hostOf(url), port, lookup }), signal);
}

function ready<S extends Socket>(socket: S, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const end = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(error);
    };
    const abort = () => end(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    // This listener stays: an error that nobody listens to ends the process.
    socket.on("error", (error) => end(toFailure(error)));
    socket.once("close", () => end(new HttpFailure("closed", "closed the connection")));
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
      signal.removeEventListener("abort", abort);
      resolve(socket);
    });
  });
}

function behind(proxy: URL, cause: HttpFailure): HttpFailure {
  return new HttpFailure(cause.kind, `is behind the proxy ${proxy.host}, which ${cause.message}`, { cause });
}

/** RFC 9110, section 9.3.6. */
function openTunnel(socket: Socket, proxy: URL, url: URL, signal: AbortSignal): Promise<void> {
  const authority = `${url.hostname}:${portOf(url)}`;
  const credentials = [proxy.username, proxy.password].map(decodeURIComponent).join(":");
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  const fails = (how: string) => behind(proxy, new HttpFailure("unreachable", how));
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      method: "CONNECT",
      path: authority,
      headers: {
        host: authority,
        connection: "keep-alive",
        ...(credentials !== ":" && { "proxy-authorization": authorization }),
      },
    });
    const abort = () => asked.destroy();
    signal.addEventListener("abort", abort, { once: true });
    asked.on("error", (error) => reject(signal.aborted ? signal.reason : behind(proxy, toFailure(error))));
    asked.on("close", () => {
      signal.removeEventListener("abort", abort);
      reject(signal.aborted ? signal.reason : fails("closed the connection"));
    });
    asked.on("connect", ({ statusCode = 0 }, _, early: Buffer) => {
      if (statusCode < 200 || statusCode > 299) reject(fails(`answers ${statusCode}`));
      else if (early.length > 0) reject(fails("sends something before it was asked"));
      else resolve();
    });
    asked.end();
  });
}

/** The lookup of node:dns, with a time. Checks what the connection is then made to, so that a name cannot change its address in between. */
function lookupWithin(lookupMs: number, allowed: ConnectOptions["addresses"]): LookupFunction {
  return (hostname, options, callback) => {
    let isOver = false;
    const give = (error: Error | null, addresses: LookupAddress[] = []) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      const [first = { address: "", family: 0 }] = addresses;
      if (options.all) callback(error, addresses);
      else callback(error, first.address, first.family);
    };
    const late = () => give(new HttpFailure("unresolved", `was not found within ${secondsOf(lookupMs)}`));
    const timer = setTimeout(late, lookupMs);
    addressesOf(hostname, options).then(
      (addresses) => {
        const secret = allowed === "public" ? addresses.find(({ address }) => !isPublicAddress(address)) : undefined;
        if (secret) give(new HttpFailure("refused", `is at ${secret.address}, which is not a public address`));
        else give(null, addresses);
      },
      (error) => give(toFailure(error)),
    );
  };
}

const underWay = new Map<string, Promise<LookupAddress[]>>();

/** One lookup of a name at a time: each takes a thread until the resolver gives up, and the process cannot end before. */
function addressesOf(hostname: string, { family, hints }: LookupOptions): Promise<LookupAddress[]> {
  const key = JSON.stringify([hostname, family, hints]);
  const known = underWay.get(key);
  if (known) return known;
  const asked = { ...(family !== undefined && { family }), ...(hints !== undefined && { hints }), all: true } as const;
  const found = lookup(hostname, asked);
  underWay.set(key, found);
  const forget = () => void underWay.delete(key);
  found.then(forget, forget);
  return found;
}
