/** /v1/responses over HTTP: one JSON answer, or a stream of server-sent events. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import type { Logger } from "../../base/logger.js";
import { ownerOf } from "../../net/auth.js";
import { isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import { closedSignal, eventStream, onClosed, sendStream } from "../../net/stream.js";
import { askerOf } from "./asker.js";
import type { StreamReader } from "./live-stream.js";
import type { LiveStreams } from "./live-streams.js";
import { createSchema, parseCreate, parseStartingAfter } from "./schema.js";
import { toServerSentEvents } from "./sse.js";
import { Turn, type TurnDependencies } from "./turn.js";

export interface HttpDependencies extends TurnDependencies {
  readonly streams: LiveStreams;
  readonly logger: Logger;
  /** A stream that its client does not read for so long is cut off. */
  readonly idleMs: number;
}

export function routeHttp({ app }: Server, dependencies: HttpDependencies): void {
  const { store, streams, logger } = dependencies;

  const create = { api: { summary: "Answers a conversation that can be gone on with", body: createSchema } };
  app.post("/v1/responses", { config: create }, async (request, reply) => {
    const body = parseCreate(request.body);
    const turn = new Turn(body, dependencies, askerOf(body, request.caller, request.headers));
    if (!body.stream) return turn.complete(closedSignal(reply));
    const controller = new AbortController();
    const stayWhenClosed = onClosed(reply, () => controller.abort());
    const stream = await streams.open(turn, controller, (error) => {
      if (isFault(error)) logger.error({ code: error.code, err: error }, "a stream failed");
    });
    stayWhenClosed(); // from now on the client can come back
    return sendEvents(request, reply, streams.read(stream, -1), dependencies);
  });

  type One = { Params: { id: string }; Querystring: { stream?: string; starting_after?: string } };
  const get = { api: { summary: "A stored response, or the rest of a stream" } };
  app.get<One>("/v1/responses/:id", { config: get }, async (request, reply) => {
    const { params, query, caller } = request;
    const owner = ownerOf(caller);
    if (query.stream === "true") {
      const after = parseStartingAfter(query.starting_after);
      return sendEvents(request, reply, streams.read(streams.get(params.id, owner), after), dependencies);
    }
    const found = streams.find(params.id, owner) ?? (await store.get(params.id, owner));
    if (!found) throw notFound(params.id);
    return found.response;
  });

  const remove = { api: { summary: "Forgets a stored response, or cancels one that is being made" } };
  app.delete<One>("/v1/responses/:id", { config: remove }, async ({ params: { id }, caller }) => {
    const owner = ownerOf(caller);
    const stream = streams.find(id, owner);
    if (stream) streams.cancel(stream);
    if (!(await store.delete(id, owner)) && !stream) throw notFound(id);
    return { id, object: "response", deleted: true };
  });
}

function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  reader: StreamReader,
  dependencies: HttpDependencies,
): FastifyReply {
  onClosed(reply, () => void reader.return());
  return sendStream(request, reply, toServerSentEvents(reader), { ...dependencies, ...eventStream });
}

function notFound(id: string): HearthError {
  return new HearthError("RESPONSE_NOT_FOUND", `There is no response ${quoted(id)}.`, { param: "response_id" });
}
