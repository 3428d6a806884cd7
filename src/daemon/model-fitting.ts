/** Gives each model that is loaded an engine whose sizes fit the memory, and says in the log what it picked. */
import type { Logger } from "../base/logger.js";
import type { EngineModule, EngineOptions, MemoryPlan } from "../engine/contract.js";
import { describeMemory, describeSpeed } from "../service/plan/describe.js";
import { type Wish, withSizes } from "../service/plan/sizes.js";
import { readLocalHeads } from "../store/model-head.js";
import type { ModelPlanner } from "./model-planner.js";

export interface ModelFittingDependencies {
  readonly engineModule: EngineModule;
  readonly planner: Pick<ModelPlanner, "plan" | "knownSpeeds" | "predict">;
  readonly logger: Logger;
}

/** A start must not wait long for it. */
const diskMs = 250;

export class ModelFitting {
  readonly #wish: Wish;
  readonly #dependencies: ModelFittingDependencies;

  constructor(wish: Wish, dependencies: ModelFittingDependencies) {
    this.#wish = wish;
    this.#dependencies = dependencies;
  }

  /** `engine`: the configured options of a model by its first file. Never rejects: what cannot be planned is as configured. */
  async fit(model: string, file: string, engine: EngineOptions): Promise<EngineOptions> {
    const { engineModule, planner, logger } = this.#dependencies;
    try {
      const heads = await readLocalHeads(engineModule, file);
      const { memory, sizes, fits, wish } = await planner.plan(heads, {
        memoryBytes: 0,
        process: "this",
        wish: this.#wish,
      });
      const disk = memory.streamedBytes > 0 ? await engineModule.measureReading(file, diskMs) : null;
      const prediction = planner.predict(memory, planner.knownSpeeds(memory, disk));
      const plan = [describeMemory(memory, wish), describeSpeed(prediction)].filter((line) => line !== null);
      const log = { model, plan, sizes, memory: summary(memory), prediction };
      if (fits) logger.info(log, "the plan of the model");
      else logger.warn(log, "the plan of the model does not fit: lower context.tokens or scheduler.slots");
      return withSizes(engine, sizes);
    } catch (error) {
      logger.warn({ model, err: error }, "the memory of the model could not be planned");
      return engine;
    }
  }
}

function summary(memory: MemoryPlan): object {
  const { options: _, matmuls: __, ...sizes } = memory;
  return sizes;
}
