/** Pulls models for clients: into the store, from the configured registries, never from an address of the own network. */
import type { Config } from "../config/options.js";
import type { Puller } from "../service/model-library.js";
import type { ModelStore } from "../store/model-store.js";
import { pullSettings } from "./pull-settings.js";

export function puller(config: Config, env: NodeJS.ProcessEnv, store: ModelStore): Puller {
  const configured = pullSettings(config, env);
  return async (source, onProgress, signal) => {
    // Only now: it takes time to load, and most daemons never pull.
    const { defaultPullSettings, pullModel } = await import("../store/pull/model-pull.js");
    const settings = { ...defaultPullSettings, ...configured };
    await pullModel(store, source, settings, { onProgress, signal, trustAddress: false });
  };
}
