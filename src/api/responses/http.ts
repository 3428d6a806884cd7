/** /v1/responses over HTTP: one JSON answer, or a stream of server-sent events. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import type { Logger } from "../../base/logger.js";
import { ownerOf } from "../../net/api-key-auth.js";
import { isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import { closedSignal, eventStream, onClosed, sendStream } from "../../net/streamed-answers.js";
import type { UnknownFields } from "../../net/unknown-fields.js";
import { parseAt } from "../../net/validate.js";
import { pageOf, pageSchema } from "./input-items.js";
import type { StreamReader } from "./live-stream.js";
import type { ResumableStreams } from "./resumable-streams.js";
import { createRequired, createSchema, parseCreate, readSchema, toStartingAfter } from "./schema.js";
import { toServerSentEvents } from "./sse.js";
import { Turn, type TurnDependencies } from "./turn.js";
import { turnClientOf } from "./turn-client.js";

export interface HttpDependencies extends TurnDependencies {
  readonly streams: ResumableStreams;
  readonly fields: UnknownFields;
  readonly logger: Logger;
  /** A stream that its client does not read for so long is cut off. */
  readonly idleMs: number;
}

export function routeHttp({ app }: Server, dependencies: HttpDependencies): void {
  const { store, streams, fields, logger } = dependencies;

  const create = {
    api: { summary: "Answers a conversation that can be gone on with", body: createSchema.meta(createRequired) },
  };
  app.post("/v1/responses", { config: create }, async (request, reply) => {
    const body = parseCreate(request.body);
    const turn = new Turn(body, dependencies, turnClientOf(body, request.client, request.headers));
    fields.name(request, reply, createSchema);
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
  const get = { api: { summary: "A stored response, or the rest of a stream", query: readSchema } };
  app.get<One>("/v1/responses/:id", { config: get }, async (request, reply) => {
    const { params, client } = request;
    const query = parseAt(readSchema, request.query, "");
    const owner = ownerOf(client);
    if (query.stream === "true") {
      const after = toStartingAfter(query.starting_after);
      return sendEvents(request, reply, streams.read(streams.get(params.id, owner), after), dependencies);
    }
    const found = streams.find(params.id, owner) ?? (await store.get(params.id, owner));
    if (!found) throw notFound(params.id);
    return found.response;
  });

  const remove = { api: { summary: "Forgets a stored response, or cancels one that is being made" } };
  app.delete<One>("/v1/responses/:id", { config: remove }, async ({ params: { id }, client }) => {
    const owner = ownerOf(client);
    const stream = streams.find(id, owner);
    if (stream) streams.cancel(stream);
    if (!(await store.delete(id, owner)) && !stream) throw notFound(id);
    return { id, object: "response", deleted: true };
  });

  const cancel = { api: { summary: "Ends a response that is being made, with what it has" } };
  // Clients name a type for the body that they do not send.
  const onRequest = async ({ headers }: FastifyRequest) => {
    const { "content-length": length, "transfer-encoding": encoding } = headers;
    if (encoding === undefined && (length ?? "0") === "0") delete headers["content-type"];
  };
  app.post<One>("/v1/responses/:id/cancel", { config: cancel, onRequest }, async ({ params: { id }, client }) => {
    const owner = ownerOf(client);
    const stream = streams.find(id, owner);
    await stream?.stop();
    const found = stream ?? (await store.get(id, owner));
    if (!found) throw notFound(id);
    return found.response;
  });

  const items = { api: { summary: "What a response was asked with, page by page", query: pageSchema } };
  app.get<One>("/v1/responses/:id/input_items", { config: items }, async ({ params: { id }, query, client }) => {
    const owner = ownerOf(client);
    const stream = streams.find(id, owner);
    const input = stream ? stream.inputItems : (await store.get(id, owner))?.input;
    if (!input) throw notFound(id);
    return pageOf(input, query);
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
