/** /v1/responses over a WebSocket: turns one after the other, errors as events, the newest response remembered. */
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { ownerOf } from "../../net/auth.js";
import { type Connection, type ConnectionHandler, closeCodes } from "../../net/connection.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";
import { type CreateRequest, parseCreate } from "./schema.js";
import { SocketMemory } from "./store.js";
import { Turn, type TurnDependencies } from "./turn.js";

export interface SocketDependencies extends TurnDependencies {
  readonly logger: Logger;
  /** Requests that may wait on one socket, the running one included. */
  readonly maxTurns: number;
  /** Characters of the requests that wait: one long one, or several short ones. */
  readonly maxWaitingCharacters: number;
}

interface WaitingTurn {
  readonly request: CreateRequest;
  readonly characters: number;
}

/** Fields of the HTTP request that mean nothing on a socket. */
const httpOnly = ["stream", "stream_options", "background"] as const;

export class ResponsesSocket implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #dependencies: SocketDependencies;
  readonly #memory = new SocketMemory();
  readonly #closed = new AbortController();
  readonly #turns: WaitingTurn[] = [];
  #working = false;

  constructor(connection: Connection, dependencies: SocketDependencies) {
    this.#connection = connection;
    this.#dependencies = dependencies;
  }

  async onMessage(text: string | null): Promise<void> {
    try {
      const request = parseFrame(text);
      this.#checkRoom(text?.length ?? 0);
      this.#turns.push({ request, characters: text?.length ?? 0 });
      void this.#work();
    } catch (error) {
      await this.#sendError(error);
    }
  }

  onExpired(): void {
    void this.#sendError(new HearthError("SOCKET_EXPIRED", "This WebSocket has reached its time limit."));
    this.#connection.close(closeCodes.normal, "time limit");
  }

  onClosed(): void {
    this.#turns.length = 0;
    this.#closed.abort();
  }

  #checkRoom(characters: number): void {
    const { maxTurns, maxWaitingCharacters } = this.#dependencies;
    const waiting = this.#turns.reduce((sum, turn) => sum + turn.characters, 0);
    const isFull = this.#turns.length >= maxTurns || waiting + characters > maxWaitingCharacters;
    // The first always has room: it is no longer than a message may be.
    if (isFull && this.#turns.length > 0) {
      throw new HearthError("TURNS_FULL", `${this.#turns.length} requests of this socket wait already.`);
    }
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let turn = this.#turns[0]; turn; turn = this.#turns[0]) {
      await this.#run(turn.request);
      this.#turns.shift();
    }
    this.#working = false;
  }

  async #run(request: CreateRequest): Promise<void> {
    let release = () => {};
    try {
      const admission = this.#connection.admit();
      release = admission.release;
      const turn = new Turn(request, this.#dependencies, ownerOf(admission.caller), this.#memory);
      for await (const event of turn.events(this.#closed.signal, (error) => this.#log(error))) {
        await this.#connection.send(event);
      }
    } catch (error) {
      await this.#sendError(error);
    } finally {
      release();
    }
  }

  async #sendError(thrown: unknown): Promise<void> {
    const error = toHearthError(thrown);
    this.#log(error);
    await this.#connection.send({ type: "error", status: error.kind.status, error: wireError(error) });
  }

  #log(error: HearthError): void {
    if (isFault(error)) this.#dependencies.logger.error({ code: error.code, err: error }, "a turn failed");
  }
}

function parseFrame(text: string | null): CreateRequest {
  if (text === null) throw new HearthError("REQUEST_INVALID", "Messages are JSON text; this one is binary.");
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch (error) {
    throw new HearthError("REQUEST_INVALID", "The message is not JSON.", { cause: error });
  }
  if (typeof frame !== "object" || frame === null || !("type" in frame) || frame.type !== "response.create") {
    throw new HearthError("REQUEST_INVALID", 'The only message is {"type":"response.create",...}.', { param: "type" });
  }
  for (const name of httpOnly) {
    if (name in frame) {
      throw new HearthError("REQUEST_UNSUPPORTED", `${name} has no meaning on a WebSocket.`, { param: name });
    }
  }
  return parseCreate(frame);
}
