/** Adds Ollama's API to a server. Its errors are one string, so that its routes have an error handler of their own. */
import type { FastifyInstance } from "fastify";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { errorHeaders, fromFastifyError, isFault } from "../../net/errors.js";
import type { Server } from "../../net/server.js";
import type { Generations } from "../../service/generation.js";
import type { ModelLibrary } from "../../service/models.js";
import { routeAnswers } from "./answers.js";
import { ContextNotice } from "./context-notice.js";
import { routeModels } from "./models.js";
import { toBody } from "./stream.js";

export interface OllamaDependencies {
  readonly generations: Generations;
  readonly models: ModelLibrary;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A client that reads nothing for so long is cut off. */
  readonly idleMs: number;
}

/** What the routes are added to, and what they need. */
export interface ApiScope {
  readonly app: FastifyInstance;
  readonly models: ModelLibrary;
  readonly dependencies: OllamaDependencies;
  readonly contextNotice: ContextNotice;
}

export function registerOllama(server: Server, dependencies: OllamaDependencies): void {
  server.app.register(async (app) => {
    app.setErrorHandler((thrown, request, reply) => {
      const error = fromFastifyError(thrown);
      if (isFault(error))
        dependencies.logger.error({ requestId: request.id, code: error.code, err: error }, "a request failed");
      return reply.code(error.kind.status).headers(errorHeaders(error)).send(toBody(error));
    });
    const { models, logger } = dependencies;
    const contextNotice = new ContextNotice(models.contextTokens, logger);
    const scope = { app, models, dependencies, contextNotice };
    routeModels(scope);
    routeAnswers(scope);
  });
}
