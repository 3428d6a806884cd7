/** The upstreams of the configuration, each with a condition that says how it does. */
import type { Clock } from "../base/clock.js";
import type { Health } from "../base/health.js";
import type { Config } from "../config/options.js";
import { Upstream } from "../service/upstream/upstream.js";

export function makeUpstreams(
  config: Pick<Config, "upstream">,
  { clock, health }: { clock: Clock; health: Health },
): readonly Upstream[] {
  return config.upstream.map((entry) => {
    const condition = `upstream ${entry.name}`;
    const options = {
      name: entry.name,
      url: entry.url,
      apiKey: entry.api_key,
      models: entry.models,
      rename: entry.rename,
      overflow: entry.overflow ?? null,
      connectMs: entry.connect_ms,
      firstTokenMs: entry.first_token_ms,
      idleMs: entry.idle_ms,
      healthMs: entry.health_ms,
    };
    return new Upstream(options, clock, (failure) => {
      // An upstream's failure is optional: this server's own models answer all the same.
      if (failure) health.setUnhealthy(condition, failure.message, { optional: true });
      else health.setHealthy(condition, { optional: true });
    });
  });
}
