/** Routes for operators and their tools: liveness, readiness, the state of the whole daemon, metrics, and the OpenAPI document. */
import type { Health } from "../../base/health.js";
import type { Metrics } from "../../base/metrics.js";
import { version } from "../../base/version.js";
import type { Server } from "../../net/server.js";
import { openApiDocument } from "./openapi.js";

/** Seconds after which to ask again whether it serves. */
const retryAfterSeconds = 5;

export interface OpsDependencies {
  readonly health: Health;
  readonly metrics: Metrics;
  /** The state of the daemon and its board, as JSON. */
  readonly status: () => Promise<object>;
}

export function registerOps(server: Server, { health, metrics, status }: OpsDependencies): void {
  const { app } = server;
  const report = () => ({ status: health.healthy ? "ok" : "degraded", conditions: health.conditions() });

  // Liveness: an answer is enough. A restart mends none of the conditions, so they do not change the status.
  app.get("/healthz", { config: { scope: "open", api: { summary: "Whether the daemon lives" } } }, async () =>
    report(),
  );

  app.get(
    "/readyz",
    { config: { scope: "open", api: { summary: "Whether it can answer, and why not" } } },
    async (_request, reply) => {
      if (!health.healthy) reply.code(503).header("retry-after", String(retryAfterSeconds));
      return report();
    },
  );

  app.get(
    "/hearth/v1/status",
    {
      config: {
        scope: "local",
        api: { summary: "Model, board, memory, speed, heat, queue and clients, for `hearth status`" },
      },
    },
    async () => status(),
  );

  // Written once: it takes milliseconds, and the routes do not change.
  let document: string | undefined;
  app.get("/openapi.json", { config: { api: { summary: "This document" } } }, async (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(server.routes, version));
    return reply.type("application/json; charset=utf-8").send(document);
  });
  app.get("/metrics", { config: { api: { summary: "Counts and times for Prometheus" } } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
}
