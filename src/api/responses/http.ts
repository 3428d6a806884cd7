/** /v1/responses over HTTP: one JSON answer, or a stream of server-sent events. */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../base/clock.js";
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { ownerOf } from "../../net/auth.js";
import { isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import { parseCreate, unsupported } from "./schema.js";
import { heartbeatMs, toServerSentEvents } from "./sse.js";
import { Turn, type TurnDependencies } from "./turn.js";
import type { ResponseEvent } from "./writer.js";

export interface HttpDependencies extends TurnDependencies {
  readonly logger: Logger;
  /** A stream that its client does not read for so long is cut off. */
  readonly idleMs: number;
}

export function routeHttp({ app }: Server, dependencies: HttpDependencies): void {
  const { store, logger } = dependencies;

  app.post("/v1/responses", async (request, reply) => {
    const body = parseCreate(request.body);
    const turn = new Turn(body, dependencies, ownerOf(request.caller), null);
    const signal = closedSignal(reply);
    if (!body.stream) return turn.complete(signal);
    const logFailure = (error: HearthError) => {
      if (isFault(error)) logger.error({ code: error.code, err: error }, "a stream failed");
    };
    const events = await started(turn.events(signal, logFailure));
    return sendStream(request, reply, events, dependencies);
  });

  app.get<{ Params: { id: string }; Querystring: { stream?: string } }>("/v1/responses/:id", async (request) => {
    if (request.query.stream === "true") throw unsupported("stream", "streaming a stored response");
    const found = await store.get(request.params.id, ownerOf(request.caller));
    if (!found) throw notFound(request.params.id);
    return found.response;
  });

  app.delete<{ Params: { id: string } }>("/v1/responses/:id", async ({ params: { id }, caller }) => {
    if (!(await store.delete(id, ownerOf(caller)))) throw notFound(id);
    return { id, object: "response", deleted: true };
  });
}

function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  events: AsyncGenerator<ResponseEvent>,
  { clock, idleMs }: { clock: Clock; idleMs: number },
): FastifyReply {
  // Heartbeats make sure that a client that reads shows activity; one that does not is cut off by node:http.
  request.raw.socket.setTimeout(idleMs);
  const intervalMs = Math.min(heartbeatMs, idleMs / 2);
  return reply
    .type("text/event-stream; charset=utf-8")
    .header("cache-control", "no-store")
    .header("x-accel-buffering", "no")
    .send(Readable.from(toServerSentEvents(events, { clock, intervalMs }), { objectMode: false }));
}

/** Waits for the first event, so that a request that is not accepted gets a status and no stream. */
async function started(events: AsyncGenerator<ResponseEvent>): Promise<AsyncGenerator<ResponseEvent>> {
  const first = await events.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* events;
  })();
}

/** Aborted when the client goes away, and harmlessly when the answer is complete. */
function closedSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.on("close", () => controller.abort());
  return controller.signal;
}

function notFound(id: string): HearthError {
  return new HearthError("RESPONSE_NOT_FOUND", `There is no response ${JSON.stringify(id)}.`, { param: "response_id" });
}
