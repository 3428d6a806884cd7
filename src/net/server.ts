/** The listener: HTTP by fastify with its limits, WebSockets beside it, one gate before both. Protocols add their routes. */

import { randomBytes } from "node:crypto";
import type { Server as HttpServer, IncomingMessage, RequestListener } from "node:http";
import { hostname, networkInterfaces } from "node:os";
import { Readable } from "node:stream";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type * as z from "zod";
import type { ApiKey } from "../base/api-key.js";
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { excerpt, quoted } from "../base/excerpt.js";
import type { Logger } from "../base/logger.js";
import type { Metrics } from "../base/metrics.js";
import type { Config } from "../config/options.js";
import { Authenticator, type Client } from "./api-key-auth.js";
import { takeJson } from "./body.js";
import type { KeyAndCertificate } from "./certificate.js";
import { errorHeaders, fromFastifyError, isFault, wireError } from "./errors.js";
import { Gate, type RouteScope } from "./gate.js";
import { AccessRules } from "./host-and-origin.js";
import {
  applyLimits,
  checkReach,
  createListener,
  type ListenerLimits,
  listenError,
  listenOnDescriptor,
  listenOnSocket,
} from "./listener.js";
import { refuseMalformed } from "./plain-answers.js";
import { RateLimits } from "./rate-limits.js";
import { RefusalLog } from "./refusal-log.js";
import { Sockets } from "./websocket-upgrades.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The scope that the route asks of a key; `generate` where it names none. */
    scope?: RouteScope;
    api?: RouteDescription;
  }
  interface FastifyRequest {
    client: Client;
  }
}

export interface ServerDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The keys of the moment, beside those of the configuration. */
  readonly keys: () => readonly ApiKey[];
  /** null: plain HTTP. */
  readonly tls: KeyAndCertificate | null;
  /** Descriptors of sockets that somebody else opened, to listen on in place of `server.listen`. */
  readonly inherited?: readonly number[];
}

export interface Route {
  readonly method: string;
  /** With parameters as `:name` and `*`. */
  readonly url: string;
  readonly scope: RouteScope;
  readonly api: RouteDescription | null;
}

/** For the OpenAPI document. */
export interface RouteDescription {
  readonly summary: string;
  /** The schema that validates the body. */
  readonly body?: z.ZodType;
  /** The schema that validates the query: fields that are strings. */
  readonly query?: z.ZodObject;
  /** The form of parameters in the path that have one; whoever uses them validates them. */
  readonly params?: z.ZodObject;
  /** The body is a file's bytes. */
  readonly takesFile?: boolean;
}

/** The pieces in which a longer answer is sent. */
const pieceBytes = 64 * 1024;
/** Time for the last bytes to leave and for clients to answer a goodbye. */
const flushMs = 1000;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function noSchemas(): never {
  throw new Error("A route has a schema of Fastify's; validate.ts is what checks requests.");
}

export class Server {
  readonly app: FastifyInstance;
  readonly sockets: Sockets;
  readonly #config: Config;
  readonly #gate: Gate;
  readonly #rateLimits: RateLimits;
  readonly #limits: Writable<ListenerLimits>;
  readonly #refusals: RefusalLog;
  readonly #dependencies: ServerDependencies;
  readonly #routes: Route[] = [];
  /** Beside fastify's own: the Unix socket, and sockets that were inherited. */
  readonly #listeners: HttpServer[] = [];
  #closing: Promise<void> | null = null;

  /** `config` may change, see reload(). Throws CONFIG_BAD_VALUE where the network would get in without a key, and TLS_UNUSABLE. */
  constructor(config: Config, dependencies: ServerDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#limits = listenerLimits(config);
    this.#rateLimits = new RateLimits(dependencies.clock, config["limits.requests_per_minute"]);
    this.#gate = new Gate(accessRules(config), new Authenticator(config, dependencies.keys), this.#rateLimits);
    this.#refusals = new RefusalLog(dependencies);
    const onRefused = (request: IncomingMessage, error: HearthError) => this.#noteRefusal(request, error);
    this.sockets = new Sockets(this.#gate, socketLimits(config), { ...dependencies, onRefused });
    this.app = this.#createApp();
  }

  /** Every HTTP route, in the order in which the protocols added them. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /**
   * Resolves with the address in use: port 0 became a free one. Throws LISTEN_FAILED, after which it may be called again, and
   * CONFIG_BAD_VALUE where trying again is of no use.
   */
  async listen(): Promise<{ host: string; port: number }> {
    const { host, port } = this.#config["server.listen"];
    const file = this.#config["server.socket"];
    if (file !== "") await this.#listenOnSocket(file);
    try {
      const { inherited = [] } = this.#dependencies;
      if (inherited.length > 0) return await this.#listenOnInherited(inherited);
      await this.app.listen({ host, port });
    } catch (error) {
      for (const listener of this.#listeners.splice(0)) listener.close();
      throw error instanceof HearthError ? error : listenError(`${host}:${port}`, "server.listen", error);
    }
    const address = this.app.server.address();
    return { host, port: typeof address === "object" && address ? address.port : port };
  }

  /** Takes over what the configuration says by now of hosts, origins and limits. */
  reload(): void {
    const config = this.#config;
    this.#gate.setAccess(accessRules(config));
    this.#rateLimits.setRequestsPerMinute(config["limits.requests_per_minute"]);
    Object.assign(this.#limits, listenerLimits(config));
    for (const listener of [this.app.server, ...this.#listeners]) applyLimits(listener, this.#limits);
    this.sockets.setLimits(socketLimits(config));
  }

  /** New connections are refused from now on; requests that run go on. */
  stopListening(): void {
    this.#closing ??= this.#close();
  }

  /** Ends every connection: politely, then after a moment for certain. */
  async stop(): Promise<void> {
    this.stopListening();
    this.sockets.stop();
    const closing = this.#closing ?? Promise.resolve();
    if ((await settlesWithin(closing, flushMs, this.#dependencies.clock)) === "settled") return;
    this.app.server.closeAllConnections();
    for (const listener of this.#listeners) listener.closeAllConnections();
    this.sockets.terminate();
    await closing;
  }

  async #close(): Promise<void> {
    const closed = this.#listeners.map((listener) => {
      const end = new Promise<void>((resolve) => listener.close(() => resolve()));
      listener.closeIdleConnections();
      return end;
    });
    await Promise.all([this.app.close(), ...closed]);
  }

  /** Throws CONFIG_BAD_VALUE where such a socket lets in whom `server.listen` does not. */
  async #listenOnInherited(descriptors: readonly number[]): Promise<{ host: string; port: number }> {
    const wanted = this.#config["server.listen"];
    let first: { host: string; port: number } | null = null;
    await this.app.ready();
    for (const descriptor of descriptors) {
      const listener = this.#createListener(
        (request, response) => this.app.routing(request, response),
        this.#dependencies.tls,
      );
      listener.on("clientError", refuseMalformed);
      this.#listeners.push(listener);
      const address = await listenOnDescriptor(listener, descriptor);
      checkReach(address, wanted);
      if (address.host !== wanted.host || address.port !== wanted.port) {
        this.#dependencies.logger.warn(
          { inherited: address, configured: wanted },
          "the service's socket has another address",
        );
      }
      first ??= address;
    }
    return first ?? wanted;
  }

  /** Always plain HTTP: nobody listens in on a file. */
  async #listenOnSocket(file: string): Promise<void> {
    const listener = this.#createListener((request, response) => this.app.routing(request, response), null);
    listener.on("connection", (socket) => this.#gate.trust(socket));
    listener.on("clientError", refuseMalformed);
    await listenOnSocket(listener, file);
    this.#listeners.push(listener);
  }

  #createListener(handler: RequestListener, tls: KeyAndCertificate | null): HttpServer {
    const { clock } = this.#dependencies;
    return createListener(handler, {
      limits: this.#limits,
      clock,
      tls,
      onUpgrade: (request, socket, head) => this.sockets.upgrade(request, socket, head),
      onTooMany: (address, reason) => this.#refusals.note(new HearthError("TOO_MANY_CONNECTIONS", reason), address),
    });
  }

  #createApp(): FastifyInstance {
    const config = this.#config;
    const app = fastify({
      serverFactory: (handler) => this.#createListener(handler, this.#dependencies.tls),
      clientErrorHandler: refuseMalformed,
      bodyLimit: config["limits.message_bytes"],
      forceCloseConnections: "idle",
      // Such keys are no mistake of a client that hands on what others wrote; nothing here could use them.
      onProtoPoisoning: "remove",
      onConstructorPoisoning: "remove",
      return503OnClosing: false, // our own handlers say it better
      genReqId: () => `req_${randomBytes(12).toString("hex")}`,
      routerOptions: { maxParamLength: 512 },
      // Paths that fastify cannot read get our error; its own words would repeat them whole.
      frameworkErrors: (error, request, reply) => this.#sendError(request, reply, fromFastifyError(error)),
      // Routes have no schemas of Fastify's (validate.ts checks), whose compilers are a sixth of the files of a start.
      schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    });
    app.decorateRequest("client");
    app.removeContentTypeParser("text/plain");
    takeJson(app, "application/json");
    app.addHook("onRoute", ({ method, url, config }) => {
      const scope = config?.scope ?? "generate";
      for (const each of [method].flat()) this.#routes.push({ method: each, url, scope, api: config?.api ?? null });
    });
    app.addHook("onRequest", async (request, reply) => this.#enter(request, reply));
    app.addHook("onSend", async (_request, reply, payload) => inPieces(reply, payload));
    app.addHook("onResponse", async (request, reply) => this.#logRequest(request, reply));
    app.setErrorHandler((error, request, reply) => this.#sendError(request, reply, fromFastifyError(error)));
    app.setNotFoundHandler((request, reply) => this.#sendError(request, reply, this.#notFound(request, reply)));
    return app;
  }

  /** ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED with the header that goes with it. */
  #notFound({ method, url }: FastifyRequest, reply: FastifyReply): HearthError {
    const path = url.split("?", 1)[0] ?? "";
    const message = `There is no ${excerpt(`${method} ${path}`, 160)}.`;
    const allowed = methodsOf(path, this.#routes);
    if (allowed.length === 0) return new HearthError("ROUTE_NOT_FOUND", message);
    reply.header("allow", allowed.join(", "));
    return new HearthError("METHOD_NOT_ALLOWED", message);
  }

  async #enter(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    reply.header("x-request-id", request.id);
    const { origin } = request.headers;
    const isPreflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    const scope = isPreflight ? "open" : (request.routeOptions.config?.scope ?? "generate");
    const { client, release } = this.#gate.admit(request.raw, scope);
    request.client = client;
    reply.raw.once("close", release);
    const encoding = request.headers["content-encoding"] ?? "identity";
    // Before the body is looked at, which nobody wants.
    if (request.is404 && !isPreflight) throw this.#notFound(request, reply);
    // Nothing that grows when it is unpacked.
    if (encoding !== "identity") {
      throw new HearthError("CONTENT_TYPE_UNSUPPORTED", `The body is encoded as ${quoted(encoding)}.`);
    }
    if (origin === undefined || !this.#gate.access.isConfiguredOrigin(origin)) return undefined;
    reply.header("access-control-allow-origin", origin).header("vary", "Origin");
    reply.header(
      "access-control-expose-headers",
      "X-Request-Id, Retry-After, X-Hearth-Left-Out, X-Hearth-Error, Warning",
    );
    if (!isPreflight) return undefined;
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, POST, PUT, DELETE")
      .header("access-control-allow-headers", askedHeaders(request))
      .header("access-control-max-age", "600")
      .send();
  }

  /** Logs all requests but those that only read: clients that poll would wear out the card that logs are on. */
  #logRequest(request: FastifyRequest, reply: FastifyReply): void {
    // The log of refusals tells enough of requests that the gate turned away.
    const isQuiet = ["GET", "HEAD", "OPTIONS"].includes(request.method) || request.client === undefined;
    const level = isQuiet ? "debug" : "info";
    const { id, method } = request;
    this.#dependencies.logger[level](
      {
        requestId: id,
        method,
        route: request.routeOptions.url ?? "",
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
        caller: request.client?.key?.name,
      },
      "request",
    );
  }

  #noteRefusal({ headers, socket }: IncomingMessage, error: HearthError): void {
    const page = error.code === "ORIGIN_REFUSED" ? headers.origin : error.code === "HOST_REFUSED" ? headers.host : "";
    this.#refusals.note(error, socket.remoteAddress ?? "", page);
  }

  #sendError(request: FastifyRequest, reply: FastifyReply, error: HearthError): FastifyReply {
    this.#noteRefusal(request.raw, error);
    if (isFault(error)) {
      this.#dependencies.logger.error({ requestId: request.id, code: error.code, err: error }, "a request failed");
    }
    return reply
      .code(error.kind.status)
      .headers(errorHeaders(error))
      .send({ error: wireError(error) });
  }
}

/** The methods that the path has; a route that names it whole comes before those with parameters. */
function methodsOf(path: string, routes: readonly Route[]): string[] {
  const exact = routes.filter(({ url }) => url === path);
  const found = exact.length > 0 ? exact : routes.filter(({ url }) => patternOf(url).test(path));
  return [...new Set(found.map(({ method }) => method))].sort();
}

function patternOf(url: string): RegExp {
  const parts = url.split(/:\w+|\*/).map((part) => part.replace(/[^\w/-]/g, "\\$&"));
  return new RegExp(`^${parts.join(url.endsWith("*") ? ".+" : "[^/]+")}$`);
}

/**
 * Long answers are handed to the kernel piece by piece, so that it shows whether somebody reads them, and a connection's memory
 * holds one that nobody reads once.
 */
function inPieces(reply: FastifyReply, payload: unknown): unknown {
  if (typeof payload !== "string" || payload.length <= pieceBytes) return payload;
  const bytes = Buffer.from(payload);
  reply.header("content-length", bytes.length);
  const count = Math.ceil(bytes.length / pieceBytes);
  const pieces = Array.from({ length: count }, (_, i) => bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes));
  return Readable.from(pieces, { objectMode: false });
}

/** The names that this device goes by, for Host headers and certificates. */
export function ownNames(config: Pick<Config, "server.listen" | "server.allowed_hosts">): string[] {
  return [hostname(), config["server.listen"].host, ...config["server.allowed_hosts"]];
}

export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

/** A page that may use the server may send it any header: clients mark their requests with their own. */
function askedHeaders(request: FastifyRequest): string {
  const asked = request.headers["access-control-request-headers"] ?? "";
  return /^[\w, -]{1,2048}$/.test(asked) ? asked : "Authorization, Content-Type";
}

function accessRules(config: Config): AccessRules {
  return new AccessRules({
    names: ownNames(config),
    addresses: ownAddresses,
    origins: config["server.allowed_origins"],
  });
}

function listenerLimits(config: Config): ListenerLimits {
  return {
    connections: config["limits.connections"],
    connectionsPerAddress: config["limits.connections_per_address"],
    idleMs: config["limits.idle_ms"],
    headersMs: config["limits.headers_ms"],
    requestMs: config["limits.request_ms"],
  };
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
