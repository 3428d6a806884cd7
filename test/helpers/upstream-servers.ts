import type { TestContext } from "node:test";
import { loadConfig } from "../../src/config/load.js";
import type { Config } from "../../src/config/options.js";
import { scripted } from "../fake-engine/module.js";
import { type Event, startServer } from "./server.js";
import type { FakeUpstream } from "./upstream.js";

export const big = { name: "gpu", models: ["big", "org/*"], connect_ms: 500, first_token_ms: 400, idle_ms: 300 };

export function configured(entries: readonly Event[]): Pick<Config, "upstream"> {
  const { config } = loadConfig({ env: { HEARTH_UPSTREAM: JSON.stringify(entries) }, flags: {} });
  return { upstream: config.upstream };
}

export const routed = (t: TestContext, upstream: FakeUpstream, more: Event = {}, config: Partial<Config> = {}) =>
  startServer(t, {
    fake: { next: scripted("from here") },
    config: { ...config, ...configured([{ ...big, url: upstream.url, ...more }]) },
  });

export const words = ["from", " the", " attic"];
