/**
 * Looks now and then whether the mapped model file is still what was loaded, so that a failing card or a replaced file shows
 * before a client meets it. Costs one system call.
 */
import type { Clock } from "../base/clock.js";
import type { Health } from "../base/health.js";
import type { Model } from "../engine/contract.js";

const periodMs = 10_000;
const conditionName = "model_file";

export class ModelWatch {
  readonly #clock: Clock;
  readonly #health: Health;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, health: Health) {
    this.#clock = clock;
    this.#health = health;
  }

  start(model: Pick<Model, "checkHealth">): void {
    try {
      model.checkHealth();
      this.#health.setHealthy(conditionName);
    } catch (error) {
      this.#health.setUnhealthy(conditionName, error instanceof Error ? error.message : String(error));
    }
    this.#cancel = this.#clock.after(periodMs, () => this.start(model));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
