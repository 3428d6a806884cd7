/** Adds Ollama's API to a server. Its errors are one string, so that its routes have an error handler of their own. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import { errorHeaders, fromFastifyError, isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import { routeAnswers } from "./answers.js";
import { takeUnnamedJson } from "./body.js";
import { ContextNotice } from "./context-notice.js";
import { routeCreate } from "./create.js";
import { routeModels } from "./models.js";
import type { OllamaDependencies } from "./scope.js";
import { toBody } from "./stream.js";

export function registerOllama(server: Server, dependencies: OllamaDependencies): void {
  const sendError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const error = fromFastifyError(thrown);
    if (isFault(error))
      dependencies.logger.error({ requestId: request.id, code: error.code, err: error }, "a request failed");
    return reply.code(error.kind.status).headers(errorHeaders(error)).send(toBody(error));
  };
  const addRoutes = (app: FastifyInstance) => {
    takeUnnamedJson(app);
    const { models, logger } = dependencies;
    const scope = { app, models, dependencies, contextNotice: new ContextNotice(logger) };
    routeModels(scope);
    routeCreate(scope);
    routeAnswers(scope);
  };
  server.app.register(async (app) => {
    app.setErrorHandler(sendError);
    addRoutes(app);
  });
  // Paths below /api without a route are refused in Ollama's form of errors, too.
  server.app.register(
    async (app) => {
      app.setErrorHandler(sendError);
      app.setNotFoundHandler((request) => {
        const route = `${request.method} ${request.url.split("?", 1)[0]?.slice(0, 200)}`;
        throw new HearthError("ROUTE_NOT_FOUND", `There is no ${route}.`);
      });
    },
    { prefix: "/api" },
  );
}
