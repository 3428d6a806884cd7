/** The sockets that HTTP comes in by: TCP with or without TLS, and a Unix socket. What requests mean is the handler's. */
import { chmodSync, rmSync, statSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { createConnection, type Socket } from "node:net";
import { createSecureContext } from "node:tls";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { KeyAndCertificate } from "./certificate.js";
import { ConnectionsPerAddress } from "./connections-per-address.js";
import { isLoopback } from "./host-and-origin.js";
import { inTurn, isAnswering, leaveTurns, readInTurn } from "./pipelining.js";
import { limitRequestTime } from "./request-time.js";
import { cutUnread } from "./slow-readers.js";

export interface ListenerLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
}

export interface ListenerOptions {
  /** Read for each connection and request; after a change, applyLimits() tells Node. */
  readonly limits: ListenerLimits;
  readonly clock: Clock;
  /** null: plain HTTP. */
  readonly tls: KeyAndCertificate | null;
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** Hears of connections that are closed at once because there are too many, with their address. */
  readonly onTooMany: (address: string, reason: string) => void;
}

/** Idle keep-alive connections are closed after this time. */
const keepAliveMs = 60_000;
/** The user and the group of the daemon. */
const socketMode = 0o660;

/** An HTTP server that does not listen yet. TLS_UNUSABLE when the certificate or its key does not work. */
export function createListener(handler: RequestListener, options: ListenerOptions): Server {
  const { limits, clock, tls, onUpgrade } = options;
  const serverOptions = { headersTimeout: limits.headersMs, connectionsCheckingInterval: 1000 };
  const tlsOptions = { ...checked(tls), minVersion: "TLSv1.2", handshakeTimeout: limits.headersMs } as const;
  const server = (
    tls ? createHttps({ ...serverOptions, ...tlsOptions }, inTurn(handler)) : createHttp(serverOptions, inTurn(handler))
  ) as Server;
  limitRequestTime(server, limits);
  server.keepAliveTimeout = keepAliveMs;
  server.on("upgrade", (request, socket: Socket, head) => {
    // A refusal would be taken for the answer that is under way.
    if (isAnswering(socket)) socket.destroy();
    else onUpgrade(request, socket, Buffer.concat([head, leaveTurns(socket)]));
  });
  const connectionEvent = tls ? "secureConnection" : "connection";
  server.on(connectionEvent, readInTurn);
  limitConnections(server, options);
  cutUnread(server, connectionEvent, { clock, idleMs: limits.idleMs });
  return server;
}

function limitConnections(server: Server, { limits, onTooMany }: ListenerOptions): void {
  const connections = new ConnectionsPerAddress(() => limits.connectionsPerAddress);
  applyLimits(server, limits);
  server.on("drop", (dropped) => {
    // Clients that have nothing to ask at the moment can connect again.
    server.closeIdleConnections();
    onTooMany(dropped?.remoteAddress ?? "", `${limits.connections} connections are open.`);
  });
  server.on("connection", (socket) => {
    const address = socket.remoteAddress;
    if (address === undefined) return; // the Unix socket, or gone already
    const giveBack = connections.take(address);
    if (giveBack) {
      socket.on("close", giveBack);
      return;
    }
    socket.destroy();
    onTooMany(address, `${limits.connectionsPerAddress} connections are open from ${address}.`);
  });
}

/** The limits that Node itself keeps. */
export function applyLimits(server: Server, limits: ListenerLimits): void {
  server.maxConnections = limits.connections;
  server.headersTimeout = limits.headersMs;
}

/** Some addresses this user may never listen on: ports below 1024, files in folders of others. */
const hopeless: readonly unknown[] = ["EACCES", "EPERM", "EAFNOSUPPORT", "ENOTDIR"];

/** Why a server does not listen: LISTEN_FAILED, or CONFIG_BAD_VALUE where waiting does not help. */
export function listenError(where: string, param: string, cause: unknown): HearthError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isHopeless = cause instanceof Error && "code" in cause && hopeless.includes(cause.code);
  return new HearthError(isHopeless ? "CONFIG_BAD_VALUE" : "LISTEN_FAILED", `Cannot listen on ${where}: ${reason}.`, {
    param,
    cause,
  });
}

/** Where the Unix socket's file is in nobody's use any more, as after a power cut, it is replaced. LISTEN_FAILED. */
export async function listenOnSocket(server: Server, file: string): Promise<void> {
  const failed = (reason: unknown) => listenError(file, "server.socket", reason);
  const found = kindOf(file, failed);
  if (found && !found.isSocket()) throw failed("it is a file of another kind");
  if (found && (await answers(file))) throw failed("another program uses it");
  if (found) rmSync(file, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failed(error)));
    server.listen(file, resolve);
  });
  chmodSync(file, socketMode);
}

/** Listens on a TCP socket that is open already, and returns its address. LISTEN_FAILED. */
export async function listenOnDescriptor(server: Server, descriptor: number): Promise<{ host: string; port: number }> {
  const failed = (reason: unknown) => listenError(`the inherited socket ${descriptor}`, "server.listen", reason);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failed(error)));
    server.listen({ fd: descriptor }, resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw failed("it is no TCP socket");
  return { host: address.address, port: address.port };
}

/** CONFIG_BAD_VALUE where the network reaches an inherited socket and the configuration says that it reaches nothing: keys depend on that. */
export function checkReach(
  inherited: { host: string; port: number },
  configured: { host: string; port: number },
): void {
  if (!isLoopback(configured.host) || isLoopback(inherited.host)) return;
  throw new HearthError(
    "CONFIG_BAD_VALUE",
    `hearthd.socket listens on ${inherited.host}:${inherited.port}, which the network can reach, and server.listen is ${configured.host}:${configured.port}.`,
    {
      param: "server.listen",
      advice:
        "Make them equal: sudo systemctl daemon-reload && sudo systemctl stop hearthd && sudo systemctl restart hearthd.socket",
    },
  );
}

function kindOf(file: string, failed: (reason: unknown) => HearthError) {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw failed(error);
  }
}

function checked(tls: KeyAndCertificate | null): KeyAndCertificate | null {
  try {
    if (tls) createSecureContext(tls);
    return tls;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HearthError("TLS_UNUSABLE", `The certificate cannot be used: ${reason}.`, {
      param: "tls.cert",
      cause: error,
    });
  }
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(file, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
}
