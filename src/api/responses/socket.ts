/** /v1/responses over a WebSocket: turns one after the other, errors as events, the newest response remembered. */
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { type Caller, ownerOf } from "../../net/auth.js";
import { type Connection, type ConnectionHandler, closeCodes } from "../../net/connection.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";
import { askerOf } from "./asker.js";
import type { LiveStream } from "./live-stream.js";
import type { LiveStreams } from "./live-streams.js";
import { type CreateRequest, parseCreate, parseResume } from "./schema.js";
import { SocketMemory } from "./store.js";
import { Turn, type TurnDependencies } from "./turn.js";

export interface SocketDependencies extends TurnDependencies {
  readonly streams: LiveStreams;
  readonly logger: Logger;
  /** Requests that may wait on one socket, the running one included. */
  readonly maxTurns: number;
  /** Characters of the requests that wait: one long one, or several short ones. */
  readonly maxWaitingCharacters: number;
}

/** What a socket may ask for: a new response, or the rest of one whose stream was lost. */
type Ask =
  | { readonly type: "create"; readonly request: CreateRequest }
  | { readonly type: "resume"; readonly id: string; readonly startingAfter: number };

interface WaitingTurn {
  readonly ask: Ask;
  readonly characters: number;
}

/** The frame of our own that reads on from a stream. */
const resumeFrame = "hearth:response.resume";

/** Fields of the HTTP request that mean nothing on a socket. */
const httpOnly = ["stream", "stream_options", "background"] as const;

export class ResponsesSocket implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #dependencies: SocketDependencies;
  readonly #memory = new SocketMemory();
  readonly #turns: WaitingTurn[] = [];
  /** Ends the running turn: as one that the client does not want any more, or as one that it may come back for. */
  #leave: ((byClient: boolean) => void) | null = null;
  #working = false;

  constructor(connection: Connection, dependencies: SocketDependencies) {
    this.#connection = connection;
    this.#dependencies = dependencies;
  }

  async onMessage(text: string | null): Promise<void> {
    try {
      const ask = parseFrame(text);
      this.#checkRoom(text?.length ?? 0);
      this.#turns.push({ ask, characters: text?.length ?? 0 });
      void this.#work();
    } catch (error) {
      await this.#sendError(error);
    }
  }

  onExpired(): void {
    void this.#sendError(new HearthError("SOCKET_EXPIRED", "This WebSocket has reached its time limit."));
    this.#connection.close(closeCodes.normal, "time limit");
  }

  onClosed(byClient: boolean): void {
    this.#turns.length = 0;
    this.#leave?.(byClient);
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
      await this.#run(turn.ask);
      this.#turns.shift();
    }
    this.#working = false;
  }

  async #run(ask: Ask): Promise<void> {
    let release = () => {};
    try {
      const admission = this.#connection.admit();
      release = admission.release;
      const { caller } = admission;
      if (ask.type === "create") await this.#send(await this.#open(ask.request, caller), -1, caller.key?.name);
      else
        await this.#send(this.#dependencies.streams.get(ask.id, ownerOf(caller)), ask.startingAfter, caller.key?.name);
    } catch (error) {
      await this.#sendError(error);
    } finally {
      this.#leave = null;
      release();
    }
  }

  #open(request: CreateRequest, caller: Caller): Promise<LiveStream> {
    const controller = new AbortController();
    // Nobody knows its id yet, so nobody can come back for it.
    this.#leave = () => controller.abort();
    const turn = new Turn(request, this.#dependencies, askerOf(request, caller, {}, this.#memory));
    return this.#dependencies.streams.open(turn, controller, (error) => this.#log(error));
  }

  async #send(stream: LiveStream, after: number, caller: string | undefined): Promise<void> {
    const { streams } = this.#dependencies;
    const reader = streams.read(stream, after);
    this.#leave = (byClient) => {
      if (byClient) streams.cancel(stream);
      void reader.return();
    };
    if (!this.#connection.isOpen) void reader.return();
    const startedAt = this.#dependencies.clock.now();
    for await (const { json } of reader) await this.#connection.send(json);
    if (stream.stored) this.#memory.put(stream.stored);
    const durationMs = Math.round(this.#dependencies.clock.now() - startedAt);
    const { status } = stream.response;
    this.#dependencies.logger.info({ responseId: stream.id, status, durationMs, caller }, "turn");
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

function parseFrame(text: string | null): Ask {
  if (text === null) throw new HearthError("REQUEST_INVALID", "Messages are JSON text; this one is binary.");
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch (error) {
    throw new HearthError("REQUEST_INVALID", "The message is not JSON.", { cause: error });
  }
  const type = typeof frame === "object" && frame !== null && "type" in frame ? frame.type : undefined;
  if (type === resumeFrame) return { type: "resume", ...parseResume(frame) };
  if (typeof frame !== "object" || frame === null || type !== "response.create") {
    const message = `The only messages are {"type":"response.create",...} and {"type":"${resumeFrame}",...}.`;
    throw new HearthError("REQUEST_INVALID", message, { param: "type" });
  }
  for (const name of httpOnly) {
    if (name in frame) {
      throw new HearthError("REQUEST_UNSUPPORTED", `${name} has no meaning on a WebSocket.`, { param: name });
    }
  }
  return { type: "create", request: parseCreate(frame) };
}
