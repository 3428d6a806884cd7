/** Adds the Responses API to a server: /v1/responses over HTTP and over a WebSocket. */
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Config } from "../../config/options.js";
import type { Server } from "../../net/server.js";
import { UnknownFields } from "../../net/unknown-fields.js";
import type { Generations } from "../../service/generation.js";
import { routeCompact } from "./compact.js";
import { routeHttp } from "./http.js";
import { ResumableStreams } from "./resumable-streams.js";
import { ResponsesSocket } from "./socket.js";
import type { ResponseStore } from "./store.js";

export interface ResponsesDependencies {
  readonly generations: Generations;
  readonly store: ResponseStore;
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Returns the streams that go on without their client, to be stopped before the models are. */
export function registerResponses(
  server: Server,
  { generations, store, config, clock, logger }: ResponsesDependencies,
): ResumableStreams {
  const streams = new ResumableStreams(
    { graceMs: config["responses.resume_ms"], keepCharacters: config["responses.resume_bytes"] },
    clock,
  );
  const fields = new UnknownFields(logger);
  const dependencies = { generations, clock, logger, store, streams, fields };
  routeHttp(server, { ...dependencies, idleMs: config["limits.idle_ms"] });
  routeCompact(server, dependencies);
  const socketDependencies = {
    ...dependencies,
    get maxTurns() {
      return config["limits.turns"]; // a reload may change it
    },
    maxWaitingCharacters: config["limits.message_bytes"],
  };
  server.sockets.route("/v1/responses", (connection) => new ResponsesSocket(connection, socketDependencies));
  return streams;
}
