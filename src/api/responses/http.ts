/** /v1/responses over HTTP: one JSON answer, or a stream of server-sent events. */
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { ownerOf } from "../../net/auth.js";
import { isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import { closedSignal, eventStream, sendStream, started } from "../../net/stream.js";
import { unsupported } from "../../net/validate.js";
import { createSchema, parseCreate } from "./schema.js";
import { toServerSentEvents } from "./sse.js";
import { Turn, type TurnDependencies } from "./turn.js";

export interface HttpDependencies extends TurnDependencies {
  readonly logger: Logger;
  /** A stream that its client does not read for so long is cut off. */
  readonly idleMs: number;
}

export function routeHttp({ app }: Server, dependencies: HttpDependencies): void {
  const { store, logger } = dependencies;

  const create = { api: { summary: "Answers a conversation that can be gone on with", body: createSchema } };
  app.post("/v1/responses", { config: create }, async (request, reply) => {
    const body = parseCreate(request.body);
    const turn = new Turn(body, dependencies, ownerOf(request.caller), null);
    const signal = closedSignal(reply);
    if (!body.stream) return turn.complete(signal);
    const logFailure = (error: HearthError) => {
      if (isFault(error)) logger.error({ code: error.code, err: error }, "a stream failed");
    };
    const events = await started(turn.events(signal, logFailure));
    return sendStream(request, reply, toServerSentEvents(events), { ...dependencies, ...eventStream });
  });

  type One = { Params: { id: string }; Querystring: { stream?: string } };
  const get = { api: { summary: "A stored response" } };
  app.get<One>("/v1/responses/:id", { config: get }, async (request) => {
    if (request.query.stream === "true") throw unsupported("stream", "streaming a stored response");
    const found = await store.get(request.params.id, ownerOf(request.caller));
    if (!found) throw notFound(request.params.id);
    return found.response;
  });

  const remove = { api: { summary: "Forgets a stored response" } };
  app.delete<One>("/v1/responses/:id", { config: remove }, async ({ params: { id }, caller }) => {
    if (!(await store.delete(id, ownerOf(caller)))) throw notFound(id);
    return { id, object: "response", deleted: true };
  });
}

function notFound(id: string): HearthError {
  return new HearthError("RESPONSE_NOT_FOUND", `There is no response ${JSON.stringify(id)}.`, { param: "response_id" });
}
