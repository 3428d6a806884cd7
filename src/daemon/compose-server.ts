/**
 * The composition root of all that answers clients: the models, and a server with every protocol. The daemon brings the native engine
 * and what a process needs beside; tests bring a fake engine. Makes the parts and starts none.
 */
import path from "node:path";
import { type HearthDependencies, registerHearth } from "../api/hearth/register.js";
import { registerOllama } from "../api/ollama/register.js";
import { registerOpenAI } from "../api/openai/register.js";
import { registerOps } from "../api/ops/register.js";
import { registerResponses } from "../api/responses/register.js";
import type { ResumableStreams } from "../api/responses/resumable-streams.js";
import type { StoredResponse } from "../api/responses/store.js";
import { type PageFile, registerPages } from "../api/web/register.js";
import type { ApiKey } from "../base/api-key.js";
import type { Metrics } from "../base/metrics.js";
import type { TemplateRenderer } from "../chat/template-thread.js";
import type { Config } from "../config/options.js";
import type { EngineModule } from "../engine/contract.js";
import type { KeyAndCertificate } from "../net/certificate.js";
import { Server } from "../net/server.js";
import { SchedulerMetrics } from "../scheduler/metrics.js";
import { AnsweredGenerations } from "../service/answered.js";
import { GenerationService } from "../service/generation.js";
import { ModelLibrary, type Puller } from "../service/model-library.js";
import { type ModelCatalog, ModelRegistry, type ModelRegistryDependencies } from "../service/model-registry.js";
import { RoutedGenerations, RoutedModels } from "../service/upstream/routing.js";
import { Blobs } from "../store/blobs.js";
import { DigestCache } from "../store/digest-cache.js";
import type { DocumentStore } from "../store/documents.js";
import type { ModelStore } from "../store/model-store.js";
import { type KeptChats, keptChats } from "./kept-chats.js";
import type { ModelFile } from "./model-file.js";
import { modelRegistryOptions } from "./model-options.js";
import { storedResponses } from "./stored-responses.js";
import { Upstreams } from "./upstreams.js";

export interface ServerDependencies extends Omit<ModelRegistryDependencies, "metrics"> {
  readonly engineModule: EngineModule;
  readonly metrics: Metrics;
  /** Folder for files that survive a restart: stored responses, digests of models. */
  readonly stateFolder: string;
  readonly store: ModelStore;
  /** The models that clients may name. */
  readonly catalog: ModelCatalog;
  /** The model that is loaded from the start and stays. */
  readonly model: ModelFile;
  readonly renderer: TemplateRenderer;
  readonly keys: () => readonly ApiKey[];
  /** null: plain HTTP. */
  readonly tls: KeyAndCertificate | null;
  /** Descriptors of listening sockets. */
  readonly inherited?: readonly number[];
  readonly pull: Puller;
  /** The pages for browsers. */
  readonly pages: readonly PageFile[];
  /** The state that `hearth status` shows, of the parts that were made. */
  readonly status: (parts: StatusParts) => Promise<object>;
  /** Looks at the machine as `hearth doctor` does. */
  readonly doctor: () => Promise<object>;
  readonly warnings: HearthDependencies["warnings"];
}

/** Parts that know of models and clients. */
export interface StatusParts {
  readonly models: ModelRegistry;
  readonly generations: AnsweredGenerations;
}

/** The parts that whoever asked for them starts and stops. */
export interface ServerParts {
  readonly models: ModelRegistry;
  readonly server: Server;
  readonly upstreams: Upstreams;
  readonly responses: DocumentStore<StoredResponse>;
  /** null: none are kept. */
  readonly chats: KeptChats | null;
  readonly streams: ResumableStreams;
  readonly digests: DigestCache;
}

/** Throws CONFIG_BAD_VALUE where options do not go together. */
export function composeServer(config: Config, dependencies: ServerDependencies): ServerParts {
  const {
    engineModule,
    metrics,
    stateFolder,
    store,
    catalog,
    model,
    keys,
    tls,
    inherited,
    pull,
    pages,
    status,
    doctor,
    warnings,
    ...serving
  } = dependencies;
  const { clock, logger, health, renderer } = serving;
  const models = new ModelRegistry(engineModule, catalog, modelRegistryOptions(config, model, stateFolder), {
    ...serving,
    metrics: new SchedulerMetrics(metrics),
  });
  const sockets = inherited === undefined ? {} : { inherited };
  const server = new Server(config, { clock, logger, metrics, keys, tls, ...sockets });
  const upstreams = new Upstreams(config, { clock, health });
  const routed = new RoutedModels(models, upstreams);
  const generations = new AnsweredGenerations(new RoutedGenerations(new GenerationService(models), routed), serving);
  const digests = new DigestCache(path.join(stateFolder, "digests.json"), (error) =>
    logger.warn({ err: error }, "the hash of a model file could not be kept"),
  );
  const library = new ModelLibrary(routed, store, {
    pull,
    renderer,
    digests,
    blobs: new Blobs(store, config["models.upload_bytes"]),
    contextTokens: config["context.tokens"],
    startedAt: clock.wallTime(),
  });
  const responses = storedResponses(config, { stateFolder, clock, logger, locker: engineModule });
  const chats = keptChats(config, { stateFolder, clock, logger, locker: engineModule });
  const idleMs = config["limits.idle_ms"];
  registerOps(server, { health, metrics, status: () => status({ models, generations }) });
  registerOpenAI(server, { generations, clock, logger, idleMs });
  registerOllama(server, { generations, models: library, clock, logger, idleMs });
  const streams = registerResponses(server, { generations, store: responses, config, clock, logger });
  registerHearth(server, { chats: chats?.chats ?? null, doctor, warnings, config, clock });
  registerPages(server, pages);
  return { models, server, upstreams, responses, chats, streams, digests };
}
