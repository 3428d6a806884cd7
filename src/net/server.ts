/** The listener: HTTP by fastify with its limits, WebSockets beside it, one gate before both. Protocols add their routes. */
import { hostname, networkInterfaces } from "node:os";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Metrics } from "../base/metrics.js";
import type { Config } from "../config/options.js";
import { AccessRules } from "./access.js";
import { Authenticator } from "./auth.js";
import { errorHeaders, fromFastifyError, isFault, wireError } from "./errors.js";
import { Gate } from "./gate.js";
import { Sockets } from "./sockets.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route needs no API key. */
    open?: boolean;
  }
}

export interface ServerDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Time for the last bytes to leave and for clients to answer a goodbye. */
const flushMs = 1000;
/** Idle keep-alive connections are closed after this time. */
const keepAliveMs = 60_000;

export class Server {
  readonly app: FastifyInstance;
  readonly sockets: Sockets;
  readonly #config: Config;
  readonly #gate: Gate;
  readonly #dependencies: ServerDependencies;
  #closing: Promise<void> | null = null;

  /** Throws CONFIG_BAD_VALUE where the network would get in without a key. */
  constructor(config: Config, dependencies: ServerDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    const access = new AccessRules({
      names: [hostname(), config["server.listen"].host, ...config["server.allowed_hosts"]],
      addresses: ownAddresses,
      origins: config["server.allowed_origins"],
    });
    this.#gate = new Gate(access, new Authenticator(config));
    this.sockets = new Sockets(this.#gate, socketLimits(config), dependencies);
    this.app = this.#createApp();
  }

  /** Resolves with the address in use: port 0 became a free one. Throws LISTEN_FAILED. */
  async listen(): Promise<{ host: string; port: number }> {
    const { host, port } = this.#config["server.listen"];
    try {
      await this.app.listen({ host, port });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new HearthError("LISTEN_FAILED", `Cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
    }
    const address = this.app.server.address();
    return { host, port: typeof address === "object" && address ? address.port : port };
  }

  /** New connections are refused from now on; requests that run go on. */
  stopListening(): void {
    this.#closing ??= this.app.close();
  }

  /** Ends every connection: politely, then after a moment for certain. */
  async stop(): Promise<void> {
    this.stopListening();
    this.sockets.stop();
    const closing = this.#closing ?? Promise.resolve();
    if ((await settlesWithin(closing, flushMs, this.#dependencies.clock)) === "settled") return;
    this.app.server.closeAllConnections();
    this.sockets.terminate();
    await closing;
  }

  #createApp(): FastifyInstance {
    const config = this.#config;
    const app = fastify({
      bodyLimit: config["limits.message_bytes"],
      requestTimeout: config["limits.request_ms"],
      keepAliveTimeout: keepAliveMs,
      forceCloseConnections: "idle",
      return503OnClosing: false, // our own handlers say it better
      http: { headersTimeout: config["limits.headers_ms"], connectionsCheckingInterval: 1000 },
    });
    app.server.maxConnections = config["limits.connections"];
    app.server.on("upgrade", (request, socket, head) => this.sockets.upgrade(request, socket, head));
    app.removeContentTypeParser("text/plain");
    app.addHook("onRequest", async (request, reply) => this.#enter(request, reply));
    app.setErrorHandler((error, _request, reply) => this.#sendError(reply, fromFastifyError(error)));
    app.setNotFoundHandler((request, reply) => {
      const route = `${request.method} ${request.url.split("?", 1)[0]}`;
      return this.#sendError(reply, new HearthError("ROUTE_NOT_FOUND", `There is no ${route}.`));
    });
    return app;
  }

  async #enter(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const { origin } = request.headers;
    const isPreflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    this.#gate.check(request.headers, isPreflight || request.routeOptions.config?.open === true);
    if (origin === undefined || !this.#gate.access.isConfiguredOrigin(origin)) return undefined;
    reply.header("access-control-allow-origin", origin).header("vary", "Origin");
    if (!isPreflight) return undefined;
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, POST, DELETE")
      .header("access-control-allow-headers", "Authorization, Content-Type")
      .header("access-control-max-age", "600")
      .send();
  }

  #sendError(reply: FastifyReply, error: HearthError): FastifyReply {
    if (isFault(error)) this.#dependencies.logger.error({ code: error.code, err: error }, "a request failed");
    return reply
      .code(error.kind.status)
      .headers(errorHeaders(error))
      .send({ error: wireError(error) });
  }
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

function socketLimits(config: Config) {
  return {
    messageBytes: config["limits.message_bytes"],
    unreadBytes: config["limits.unread_bytes"],
    idleMs: config["limits.idle_ms"],
    lifetimeMs: config["limits.socket_ms"],
    sockets: config["limits.sockets"],
    socketsPerAddress: config["limits.sockets_per_address"],
  };
}
