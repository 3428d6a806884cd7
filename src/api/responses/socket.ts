/**
 * /v1/responses over a WebSocket: lanes side by side, in each the turns one after the other, errors as events, the newest
 * response of each lane remembered.
 */
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { type Client, ownerOf } from "../../net/api-key-auth.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";
import type { UnknownFields } from "../../net/unknown-fields.js";
import { type Connection, type ConnectionHandler, closeCodes } from "../../net/websocket-connection.js";
import { type Ask, createFrameSchema, readFrame, streamIdOf, toAsk } from "./frames.js";
import { Lane } from "./lane.js";
import type { LiveStream } from "./live-stream.js";
import type { ResumableStreams } from "./resumable-streams.js";
import type { CreateRequest } from "./schema.js";
import { SocketMemory } from "./store.js";
import { Turn, type TurnDependencies } from "./turn.js";
import { turnClientOf } from "./turn-client.js";

export interface SocketDependencies extends TurnDependencies {
  readonly streams: ResumableStreams;
  readonly fields: UnknownFields;
  readonly logger: Logger;
  /** Requests that may wait on one socket, the running ones included: so many lanes may run, too. */
  readonly maxTurns: number;
  /** Characters of the requests that wait: one long one, or several short ones. */
  readonly maxWaitingCharacters: number;
}

const path = "/v1/responses";

export class ResponsesSocket implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #dependencies: SocketDependencies;
  readonly #memory = new SocketMemory();
  /** Lanes that have turns, by their names. */
  readonly #lanes = new Map<string | null, Lane>();

  constructor(connection: Connection, dependencies: SocketDependencies) {
    this.#connection = connection;
    this.#dependencies = dependencies;
  }

  async onMessage(text: string | null): Promise<void> {
    let lane = new Lane(null);
    try {
      const frame = readFrame(text);
      lane = this.#laneOf(streamIdOf(frame));
      const ask = toAsk(frame);
      if (ask.type === "cancel") {
        this.#cancel(lane, ask.id);
        return;
      }
      if (ask.type === "create") this.#dependencies.fields.find(path, frame, createFrameSchema);
      this.#checkRoom(text?.length ?? 0);
      lane.turns.push({ ask, characters: text?.length ?? 0 });
      this.#lanes.set(lane.streamId, lane);
      void this.#work(lane);
    } catch (error) {
      await this.#sendError(error, lane);
    }
  }

  onExpired(): void {
    const error = new HearthError("SOCKET_EXPIRED", "This WebSocket has reached its time limit.");
    void this.#sendError(error, new Lane(null));
    this.#connection.close(closeCodes.normal, "time limit");
  }

  onClosed(byClient: boolean): void {
    for (const lane of this.#lanes.values()) {
      lane.turns.length = 0;
      lane.leave?.(byClient);
    }
  }

  #laneOf(streamId: string | null): Lane {
    return this.#lanes.get(streamId) ?? new Lane(streamId);
  }

  #checkRoom(characters: number): void {
    const { maxTurns, maxWaitingCharacters } = this.#dependencies;
    const turns = [...this.#lanes.values()].flatMap((lane) => lane.turns);
    const waiting = turns.reduce((sum, turn) => sum + turn.characters, 0);
    const isFull = turns.length >= maxTurns || waiting + characters > maxWaitingCharacters;
    // The first always has room: it is no longer than a message may be.
    if (isFull && turns.length > 0) {
      throw new HearthError("TURNS_FULL", `${turns.length} requests of this socket wait already.`);
    }
  }

  async #work(lane: Lane): Promise<void> {
    await lane.work((ask) => this.#run(ask, lane));
    if (lane.turns.length === 0 && this.#lanes.get(lane.streamId) === lane) this.#lanes.delete(lane.streamId);
  }

  async #run(ask: Ask, lane: Lane): Promise<void> {
    let release = () => {};
    try {
      const admission = this.#connection.admit();
      release = admission.release;
      const { client } = admission;
      if (ask.type === "create") await this.#send(await this.#open(ask.request, client, lane), -1, client, lane);
      if (ask.type === "resume") {
        await this.#send(this.#dependencies.streams.get(ask.id, ownerOf(client)), ask.startingAfter, client, lane);
      }
    } catch (error) {
      await this.#sendError(error, lane);
    } finally {
      lane.leave = null;
      lane.stream = null;
      release();
    }
  }

  #open(request: CreateRequest, client: Client, lane: Lane): Promise<LiveStream> {
    const controller = new AbortController();
    // Nobody knows its id yet, so nobody can come back for it.
    lane.leave = () => controller.abort();
    const memory = this.#memory.ofLane(lane.streamId);
    const turn = new Turn(request, this.#dependencies, turnClientOf(request, client, {}, memory));
    return this.#dependencies.streams.open(turn, controller, (error) => this.#log(error));
  }

  async #send(stream: LiveStream, after: number, client: Client, lane: Lane): Promise<void> {
    const { streams, clock, logger } = this.#dependencies;
    const reader = streams.read(stream, after);
    lane.stream = stream;
    lane.leave = (byClient) => {
      if (byClient) streams.cancel(stream);
      void reader.return();
    };
    if (!this.#connection.isOpen) void reader.return();
    const startedAt = clock.now();
    for await (const { json } of reader) await this.#connection.send(lane.named(json));
    if (stream.stored) this.#memory.ofLane(lane.streamId).put(stream.stored);
    const durationMs = Math.round(clock.now() - startedAt);
    const { status } = stream.response;
    logger.info({ responseId: stream.id, status, durationMs, caller: client.key?.name }, "turn");
  }

  /** Cancels the lane's running response, or the one of the id in any lane; its stream ends with its last event. */
  #cancel(lane: Lane, id: string | null): void {
    const lanes = id === null ? [lane] : [...this.#lanes.values()];
    const running = lanes.find(({ stream, leave }) => (id === null ? leave !== null : stream?.id === id));
    if (running?.stream) void running.stream.stop();
    // It has no id yet, and ends with an error.
    else if (running?.leave) running.leave(true);
    else {
      const what = id === null ? "no response" : `no response ${JSON.stringify(id)}`;
      throw new HearthError("RESPONSE_NOT_FOUND", `There is ${what} that runs on this socket.`, {
        param: "response_id",
      });
    }
  }

  async #sendError(thrown: unknown, lane: Lane): Promise<void> {
    const error = toHearthError(thrown);
    this.#log(error);
    const event = { type: "error", status: error.kind.status, error: wireError(error) };
    await this.#connection.send(lane.named(JSON.stringify(event)));
  }

  #log(error: HearthError): void {
    if (isFault(error)) this.#dependencies.logger.error({ code: error.code, err: error }, "a turn failed");
  }
}
