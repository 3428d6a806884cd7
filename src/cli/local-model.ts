/** A model in this process, for commands that answer without a daemon. */
import { systemClock } from "../base/clock.js";
import { Health } from "../base/health.js";
import { silentLogger } from "../base/logger.js";
import { Metrics } from "../base/metrics.js";
import { TemplateThread } from "../chat/template-thread.js";
import type { Config } from "../config/options.js";
import { modelHostOptions } from "../daemon/model-options.js";
import { loadEngineModule } from "../engine/binding.js";
import { SchedulerMetrics } from "../scheduler/metrics.js";
import { ModelHost } from "../service/model-host.js";
import { namedModel } from "./model.js";

/** Not started yet. `state`: the state folder. FILE_OPEN_FAILED, MODEL_NOT_FOUND, ADDON_LOAD_FAILED. */
export function localModel(config: Config, name: string, state: string): ModelHost {
  const engineModule = loadEngineModule();
  const clock = systemClock;
  return new ModelHost(engineModule, modelHostOptions(config, namedModel(name, state, engineModule)), {
    clock,
    logger: silentLogger(),
    health: new Health(clock),
    metrics: new SchedulerMetrics(new Metrics()),
    renderer: new TemplateThread(),
  });
}
