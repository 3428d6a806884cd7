/** What operators and their tools ask: does it live, does it serve, how does it do. */
import type { Health } from "../../base/health.js";
import type { Metrics } from "../../base/metrics.js";
import type { Server } from "../../net/server.js";

/** Seconds after which to ask again whether it serves. */
const retryAfterSeconds = 5;

export function registerOps({ app }: Server, { health, metrics }: { health: Health; metrics: Metrics }): void {
  const report = () => ({ status: health.healthy ? "ok" : "degraded", conditions: health.conditions() });

  // Liveness: an answer is enough. A restart mends none of the conditions, so they do not change the status.
  app.get("/healthz", { config: { scope: "open" } }, async () => report());

  app.get("/readyz", { config: { scope: "open" } }, async (_request, reply) => {
    if (!health.healthy) reply.code(503).header("retry-after", String(retryAfterSeconds));
    return report();
  });

  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
}
