/** The whole server on the fake engine, in this process, on a free port of loopback; and a client that speaks to it. */
import assert from "node:assert/strict";
import path from "node:path";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import type { LoggedWarning } from "../../src/api/hearth/warnings.js";
import type { PageFile } from "../../src/api/web/register.js";
import type { ApiKey } from "../../src/base/api-key.js";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { Health } from "../../src/base/health.js";
import { createLogger } from "../../src/base/logger.js";
import { Metrics } from "../../src/base/metrics.js";
import { inlineRenderer } from "../../src/chat/template-thread.js";
import { loadConfig } from "../../src/config/load.js";
import type { Config } from "../../src/config/options.js";
import { composeServer } from "../../src/daemon/compose-server.js";
import type { KeyAndCertificate } from "../../src/net/certificate.js";
import type { Server } from "../../src/net/server.js";
import type { Puller } from "../../src/service/model-library.js";
import type { ModelRegistry } from "../../src/service/model-registry.js";
import { ModelStore } from "../../src/store/model-store.js";
import { FakeEngineModule, type FakeOptions } from "../fake-engine/module.js";
import { temporaryFolder } from "./folder.js";
import { namedFor, namedFrame } from "./request.js";
import { until } from "./scheduler.js";

// biome-ignore lint/suspicious/noExplicitAny: tests look into wire events freely
export type Event = Record<string, any>;

export interface TestServer {
  readonly port: number;
  readonly url: string;
  readonly module: FakeEngineModule;
  readonly models: ModelRegistry;
  readonly server: Server;
  readonly health: Health;
  readonly store: ModelStore;
  readonly stateFolder: string;
  /** Lines of the log that tell errors. */
  readonly errors: readonly Event[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  connect(options?: { headers?: Record<string, string>; path?: string }): Promise<TestSocket>;
  /** Waits until no slot is busy and nothing is queued; fails after `limitMs`, by default 5 seconds. */
  atRest(limitMs?: number): Promise<void>;
}

export interface TestServerOptions {
  readonly fake?: FakeOptions;
  readonly config?: Partial<Config>;
  readonly keys?: () => readonly ApiKey[];
  readonly tls?: KeyAndCertificate;
  readonly pull?: Puller;
  readonly pages?: readonly PageFile[];
  readonly clock?: Clock;
  /** The answer of /hearth/v1/status. */
  readonly status?: () => Promise<object>;
  /** The answer of /hearth/v1/doctor. */
  readonly doctor?: () => Promise<object>;
  /** The warnings that /hearth/v1/warnings tells. */
  readonly warnings?: readonly LoggedWarning[];
  /** Path of the configured model; the fake engine needs no file there. */
  readonly model?: string;
  /** Do not wait for the model. */
  readonly loading?: boolean;
}

export async function startServer(t: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
  const config: Config = {
    ...loadConfig({ env: {}, flags: {} }).config,
    "server.listen": { host: "127.0.0.1", port: 0 },
    "engine.threads": 1,
    "models.memory_bytes": 1e12,
    ...options.config,
  };
  const module = new FakeEngineModule(options.fake);
  const clock = options.clock ?? systemClock;
  const health = new Health(clock);
  const errors: Event[] = [];
  const logger = createLogger({ level: "error", prompts: false }, { write: (line) => errors.push(JSON.parse(line)) });
  const stateFolder = temporaryFolder(t);
  const store = new ModelStore(path.join(stateFolder, "models"), module);
  const { models, server, upstreams, responses, chats } = composeServer(config, {
    engineModule: module,
    clock,
    logger,
    metrics: new Metrics(),
    health,
    stateFolder,
    store,
    catalog: { list: () => store.scan().models, find: (name) => store.find(name) },
    model: { name: "fake", path: options.model ?? "models/fake.gguf" },
    renderer: inlineRenderer,
    keys: options.keys ?? (() => []),
    tls: options.tls ?? null,
    pull: options.pull ?? (async () => {}),
    pages: options.pages ?? [],
    status: options.status ?? (async () => ({})),
    doctor: options.doctor ?? (async () => ({})),
    warnings: () => options.warnings ?? [],
  });
  await upstreams.start();
  await responses.start();
  await chats?.documents.start();
  const { port } = await server.listen();
  const loaded = models.start();
  loaded.catch(() => {});
  if (!options.loading) await loaded;
  t.after(async () => {
    server.stopListening();
    await models.stop(0);
    await upstreams.stop();
    await server.stop();
    await responses.stop();
    await chats?.documents.stop();
  });

  const url = `http://127.0.0.1:${port}`;
  return {
    errors,
    port,
    url,
    module,
    models,
    server,
    health,
    store,
    stateFolder,
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(namedFor(path, body)),
      }),
    connect: ({ headers = {}, path = "/v1/responses" } = {}) =>
      TestSocket.open(new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })),
    atRest: async (limitMs = 5000) => {
      const { scheduler } = await loaded;
      await until(
        () => scheduler.busySlots === 0 && scheduler.queueLength === 0 && !scheduler.progress().busy,
        limitMs,
      );
    },
  };
}

const finals = ["response.completed", "response.incomplete", "response.failed", "error"];

export class TestSocket {
  readonly socket: WebSocket;
  readonly events: Event[] = [];
  closeCode: number | null = null;
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => this.events.push(JSON.parse(String(data))));
    socket.on("error", () => {});
    socket.on("close", (code) => {
      this.closeCode = code;
    });
  }

  static async open(socket: WebSocket): Promise<TestSocket> {
    const opened = new TestSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
      socket.once("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)));
    });
    return opened;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(namedFrame(message)));
  }

  /** The next event; fails after `limitMs`, by default 5 seconds. */
  async next(limitMs = 5000): Promise<Event> {
    await until(() => this.events.length > this.#taken, limitMs);
    const event = this.events[this.#taken++];
    assert.ok(event);
    return event;
  }

  /** Sends a `response.create` and returns its events up to the last one. */
  async ask(request: Event, limitMs?: number): Promise<Event[]> {
    this.send({ type: "response.create", ...request });
    return this.answer(limitMs);
  }

  /** The events up to the next one that ends a turn. */
  async answer(limitMs?: number): Promise<Event[]> {
    const events: Event[] = [];
    for (;;) {
      const event = await this.next(limitMs);
      events.push(event);
      if (finals.includes(event.type)) return events;
    }
  }

  async closed(): Promise<number> {
    await until(() => this.closeCode !== null);
    return this.closeCode ?? 0;
  }
}

/** The data of a whole stream of server-sent events. */
export async function readEvents(response: Response): Promise<{ events: Event[]; last: string }> {
  const data = (await response.text())
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
  return { events: data.slice(0, -1).map((line) => JSON.parse(line)), last: data.at(-1) ?? "" };
}
