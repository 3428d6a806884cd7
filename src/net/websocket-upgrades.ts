/** WebSocket upgrades: which are let in, how many at a time, and where they go. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import type { Metrics } from "../base/metrics.js";
import { type Client, keyProtocol } from "./api-key-auth.js";
import { toHearthError } from "./errors.js";
import type { Gate } from "./gate.js";
import { refuse } from "./plain-answers.js";
import { Portions } from "./socket-portions.js";
import { Connection, type ConnectionHandler, type ConnectionLimits, closeCodes } from "./websocket-connection.js";

export interface SocketLimits extends ConnectionLimits {
  /** ws ends a connection with 1009 whose message is longer. */
  readonly messageBytes: number;
  readonly sockets: number;
  /** The sockets of one key or address. Does not bind loopback: many clients may stand behind a proxy there. */
  readonly socketsPerAddress: number;
}

export interface SocketsDependencies {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly onRefused: (request: IncomingMessage, error: HearthError) => void;
}

export type AcceptConnection = (connection: Connection) => ConnectionHandler;

/** Read before other connections have their turn: no more than 170 frames. */
const portionBytes = 1024;
/** The fragments of one message; each takes a hundred bytes, whatever it holds. */
const maxFragments = 4096;

export class Sockets {
  readonly #gate: Gate;
  #limits: SocketLimits;
  readonly #clock: Clock;
  readonly #onRefused: (request: IncomingMessage, error: HearthError) => void;
  readonly #server: WebSocketServer;
  readonly #routes = new Map<string, AcceptConnection>();
  readonly #open = new Set<Connection>();
  #stopping = false;

  /** `onRefused` hears of those that are not let in. */
  constructor(gate: Gate, limits: SocketLimits, { clock, metrics, onRefused }: SocketsDependencies) {
    this.#gate = gate;
    this.#onRefused = onRefused;
    this.#limits = limits;
    this.#clock = clock;
    // Without permessage-deflate a message cannot grow in our memory after it was measured.
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.messageBytes,
      perMessageDeflate: false,
      autoPong: false, // websocket-connection.ts answers pings, within limits
      maxFragments,
      // A browser wants one of the protocols that it offered; the one that carries the key is not to be repeated.
      handleProtocols: (offered) => [...offered].find((name) => !name.startsWith(keyProtocol)) ?? false,
    });
    metrics.gauge({ name: "hearth_websockets", help: "Open WebSockets.", read: () => this.#open.size });
  }

  get count(): number {
    return this.#open.size;
  }

  /** Connections to `path` (without a query) go to `accept`. */
  route(path: string, accept: AcceptConnection): void {
    this.#routes.set(path, accept);
  }

  /** For all connections from now on; those that are open keep theirs. The size of messages stays as it was. */
  setLimits(limits: SocketLimits): void {
    this.#limits = limits;
  }

  /** For the `upgrade` event of an http.Server. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      const { accept, client } = this.#admit(request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        new Portions(socket, {
          mayGoOn: () => !webSocket.isPaused,
          cut: (bytes) => Math.min(bytes.length, portionBytes),
        });
        const connection = new Connection(
          webSocket,
          { client, admit: () => this.#gate.admit(request, "generate") },
          this.#limits,
          this.#clock,
        );
        this.#start(connection, webSocket, accept);
      });
    } catch (error) {
      const refusal = toHearthError(error);
      this.#onRefused(request, refusal);
      refuse(socket, refusal);
    }
  }

  /** Lets nobody in any more and says goodbye to those who are there. */
  stop(): void {
    this.#stopping = true;
    for (const connection of this.#open) connection.close(closeCodes.goingAway, "the daemon is stopping");
  }

  /** Cuts off those who did not answer the goodbye. */
  terminate(): void {
    for (const connection of this.#open) connection.terminate();
  }

  #admit(request: IncomingMessage): { accept: AcceptConnection; client: Client } {
    const client = this.#gate.check(request, "generate");
    const path = request.url?.split("?", 1)[0] ?? "";
    const accept = this.#routes.get(path);
    if (!accept) throw new HearthError("ROUTE_NOT_FOUND", `There is no WebSocket at ${quoted(path, 160)}.`);
    if (request.headers.upgrade?.toLowerCase() !== "websocket") {
      throw new HearthError("REQUEST_INVALID", "The only upgrade is to a WebSocket.", { param: "Upgrade" });
    }
    if (this.#stopping) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const { sockets, socketsPerAddress } = this.#limits;
    if (this.#open.size >= sockets) throw new HearthError("TOO_MANY_SOCKETS", `${sockets} WebSockets are open.`);
    const sameClient = [...this.#open].filter((other) => other.client.id === client.id).length;
    if (sameClient >= socketsPerAddress && !client.local) {
      throw new HearthError("TOO_MANY_SOCKETS", `${socketsPerAddress} WebSockets are open from ${client.id}.`);
    }
    return { accept, client };
  }

  #start(connection: Connection, webSocket: WebSocket, accept: AcceptConnection): void {
    this.#open.add(connection);
    webSocket.on("close", () => this.#open.delete(connection));
    connection.start(accept(connection));
  }
}
