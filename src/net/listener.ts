/** The sockets that HTTP comes in by: TCP with or without TLS, and a Unix socket. What requests mean is the handler's. */
import { chmodSync, rmSync, statSync } from "node:fs";
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { createConnection } from "node:net";
import { createSecureContext } from "node:tls";
import { HearthError } from "../base/errors.js";
import type { KeyAndCertificate } from "./certificate.js";
import { limitRequestTime } from "./request-time.js";

export interface ListenerLimits {
  readonly connections: number;
  readonly headersMs: number;
  readonly requestMs: number;
}

/** Idle keep-alive connections are closed after this time. */
const keepAliveMs = 60_000;
/** The user and the group of the daemon. */
const socketMode = 0o660;

/** An HTTP server that does not listen yet. TLS_UNUSABLE when the certificate or its key does not work. */
export function createListener(
  handler: RequestListener,
  limits: ListenerLimits,
  tls: KeyAndCertificate | null,
): Server {
  const options = { headersTimeout: limits.headersMs, connectionsCheckingInterval: 1000 };
  const server = tls
    ? createHttps({ ...options, ...checked(tls), minVersion: "TLSv1.2" }, handler)
    : createHttp(options, handler);
  limitRequestTime(server as Server, limits.requestMs);
  server.keepAliveTimeout = keepAliveMs;
  server.maxConnections = limits.connections;
  return server as Server;
}

/** Where the Unix socket's file is in nobody's use any more, as after a power cut, it is replaced. LISTEN_FAILED. */
export async function listenOnSocket(server: Server, file: string): Promise<void> {
  const failed = (reason: string, cause?: unknown) =>
    new HearthError("LISTEN_FAILED", `Cannot listen on ${file}: ${reason}.`, { param: "server.socket", cause });
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && !found.isSocket()) throw failed("it is a file of another kind");
  if (found && (await answers(file))) throw failed("another program uses it");
  if (found) rmSync(file, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failed(error.message, error)));
    server.listen(file, resolve);
  });
  chmodSync(file, socketMode);
}

function checked(tls: KeyAndCertificate): KeyAndCertificate {
  try {
    createSecureContext(tls);
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
