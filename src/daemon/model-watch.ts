/**
 * Looks now and then whether the model's file is still what was loaded and its storage answers, so that a failing card or a
 * replaced file shows before a client meets it, and that it is well again, too. Costs a system call, off the main thread: one on a
 * file of a network or a hanging card may never return.
 */
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Health } from "../base/health.js";
import type { Model } from "../engine/contract.js";

/** The parts of a Model that it looks at. */
export interface WatchedModel {
  readonly info: Pick<Model["info"], "device">;
  checkStorage: Model["checkStorage"];
}

const periodMs = 10_000;
const patienceMs = 20_000;
const conditionName = "model_file";

export class ModelWatch {
  readonly #clock: Clock;
  readonly #health: Health;
  readonly #onChanged: () => void;
  #model: WatchedModel | null = null;
  #cancel: (() => void) | null = null;

  /** `onChanged`: the file is no longer what was loaded. */
  constructor(clock: Clock, health: Health, onChanged: () => void = () => {}) {
    this.#clock = clock;
    this.#health = health;
    this.#onChanged = onChanged;
  }

  /** Looks at this model from now on, and at no other. */
  start(model: WatchedModel): void {
    this.stop();
    this.#model = model;
    void this.#look(model);
  }

  stop(): void {
    this.#model = null;
    this.#cancel?.();
    this.#cancel = null;
  }

  async #look(model: WatchedModel): Promise<void> {
    const answer = model.checkStorage(false).then(
      () => null,
      (error: unknown) => error,
    );
    const limitMs = patienceMs / 1000;
    if ((await settlesWithin(answer, patienceMs, this.#clock)) === "late" && this.#model === model) {
      const { device } = model.info;
      const storage = device === "" ? "The storage of the model's file" : `The storage ${device} of the model's file`;
      this.#health.setUnhealthy(conditionName, `${storage} has not answered for ${limitMs} seconds.`);
    }
    const error = await answer; // one look at a time: each takes a thread until the storage answers
    if (this.#model !== model) return;
    this.#report(error);
    this.#cancel = this.#clock.after(periodMs, () => void this.#look(model));
  }

  #report(error: unknown): void {
    if (error !== null) {
      this.#health.setUnhealthy(conditionName, error instanceof Error ? error.message : String(error));
      if (error instanceof HearthError && error.code === "FILE_CHANGED") this.#onChanged();
      return;
    }
    this.#health.setHealthy(conditionName);
    // A step that failed for the file's sake would not: nobody is sent here any more to try another one.
    const engine = this.#health.get("engine");
    if (engine && !engine.healthy && engine.reason.startsWith("FILE_")) this.#health.setHealthy("engine");
  }
}
