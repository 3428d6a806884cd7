/** The upstreams of the configuration, each with a condition that says how it does. A reload keeps those that stay as they are. */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../base/clock.js";
import type { Health } from "../base/health.js";
import type { Config } from "../config/options.js";
import type { UpstreamConfig } from "../config/upstreams.js";
import { Upstream } from "../service/upstream/upstream.js";

export class Upstreams {
  readonly #dependencies: { readonly clock: Clock; readonly health: Health };
  #entries: readonly { entry: UpstreamConfig; upstream: Upstream }[];
  /** No more in the configuration; answers of theirs may still run. */
  readonly #retired: Upstream[] = [];

  constructor(config: Pick<Config, "upstream">, dependencies: { clock: Clock; health: Health }) {
    this.#dependencies = dependencies;
    this.#entries = config.upstream.map((entry) => ({ entry, upstream: this.#make(entry) }));
  }

  /** In the order of the configuration. */
  get list(): readonly Upstream[] {
    return this.#entries.map(({ upstream }) => upstream);
  }

  /** Resolves after the first check of all. */
  async start(): Promise<void> {
    await Promise.all(this.list.map((upstream) => upstream.start()));
  }

  /** Takes over the configuration's upstreams; answers of those that are gone may end. */
  reload({ upstream: entries }: Pick<Config, "upstream">): void {
    const before = this.#entries;
    this.#entries = entries.map((entry) => {
      const kept = before.find((each) => isDeepStrictEqual(each.entry, entry));
      return kept ?? { entry, upstream: this.#make(entry) };
    });
    for (const { upstream } of before.filter((each) => !this.#entries.includes(each))) {
      upstream.retire();
      this.#retired.push(upstream);
      if (!this.list.some(({ name }) => name === upstream.name))
        this.#dependencies.health.forget(conditionOf(upstream));
    }
    for (const each of this.#entries) if (!before.includes(each)) void each.upstream.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.list, ...this.#retired].map((upstream) => upstream.stop()));
  }

  #make(entry: UpstreamConfig): Upstream {
    const { clock, health } = this.#dependencies;
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
    const condition = conditionOf(entry);
    return new Upstream(options, clock, (failure) => {
      // An upstream's failure is optional: this server's own models answer all the same.
      if (failure) health.setUnhealthy(condition, failure.message, { optional: true });
      else health.setHealthy(condition, { optional: true });
    });
  }
}

function conditionOf({ name }: { name: string }): string {
  return `upstream ${name}`;
}
