/** ApiScope is the server that the routes of Ollama's API are added to, and the parts that they use. Types alone. */
import type { FastifyInstance } from "fastify";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Generations } from "../../service/generation.js";
import type { ModelLibrary } from "../../service/model-library.js";
import type { ContextNotice } from "./context-notice.js";

export interface OllamaDependencies {
  readonly generations: Generations;
  readonly models: ModelLibrary;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A client that reads nothing for so long is cut off. */
  readonly idleMs: number;
}

/** The server that the routes are added to, and the parts that they use. */
export interface ApiScope {
  readonly app: FastifyInstance;
  readonly models: ModelLibrary;
  readonly dependencies: OllamaDependencies;
  readonly contextNotice: ContextNotice;
}
