/**
 * Looks at the system's memory once a second, and has the loaded models give some back, or take it again, as memory-policy.ts decides.
 * Between two looks the kernel helps itself: what is kept is not locked as a whole.
 */
import type { Clock } from "../../base/clock.js";
import type { Health } from "../../base/health.js";
import type { Logger } from "../../base/logger.js";
import type { ServingModel } from "../../service/serving-model.js";
import { type MemoryAction, MemoryPolicy } from "./memory-policy.js";

export interface GovernedModel {
  readonly name: string;
  readonly loaded: Pick<ServingModel, "engine" | "scheduler" | "model">;
}

export interface MemoryGovernorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Its condition `memory` says what the models lack; it is optional, because they answer all the same. */
  readonly health: Health;
  readonly models: () => readonly GovernedModel[];
}

const calmPeriodMs = 1000;
const shortPeriodMs = 250;
const conditionName = "memory";

export class MemoryGovernor {
  readonly #dependencies: MemoryGovernorDependencies;
  /** They go with their engines. */
  readonly #policies = new WeakMap<object, MemoryPolicy>();
  /** The models that hold less than they did, with what they held at first. */
  readonly #given = new Map<string, number>();
  #cancel: (() => void) | null = null;

  constructor(dependencies: MemoryGovernorDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    const acted = this.#look();
    this.#cancel = this.#dependencies.clock.after(acted ? shortPeriodMs : calmPeriodMs, () => this.start());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Whether something was given back or taken. */
  #look(): boolean {
    const models = this.#dependencies.models();
    const memories = models.map(({ loaded }) => loaded.engine.memory());
    const heldBytes = memories.reduce((sum, memory) => sum + memory.heldBytes, 0);
    let acted = false;
    for (const [i, model] of models.entries()) {
      const memory = memories[i];
      if (!memory) continue;
      const { engine, scheduler } = model.loaded;
      const policy = this.#policies.get(engine) ?? new MemoryPolicy();
      this.#policies.set(engine, policy);
      const { perToken } = model.loaded.model.info.kvBytes[engine.options.kvType ?? "f16"];
      const action = policy.decide({
        ...memory,
        ...scheduler.idleKv,
        // The bytes that other models hold are not to be had.
        affordableBytes: Math.max(0, memory.affordableBytes - (heldBytes - memory.heldBytes)),
        freeKvBytes: engine.freeKvTokens() * perToken,
        nowMs: this.#dependencies.clock.now(),
      });
      if (!action) continue;
      acted = true;
      this.#act(model, memory.heldBytes, action);
    }
    this.#report(models);
    return acted;
  }

  #act({ name, loaded: { scheduler } }: GovernedModel, heldBytes: number, action: MemoryAction): void {
    this.#dependencies.logger.info({ model: name, heldBytes, ...action }, "memory is given back or taken");
    if (action.kind === "fitWeights") {
      if (!this.#given.has(name)) this.#given.set(name, heldBytes);
      scheduler.fitWeights(action.bytes);
    } else if (action.kind === "holdFreeKv") scheduler.holdFreeKv();
    else scheduler.giveBackIdle(action.kind === "giveBackPrefixes");
  }

  #report(models: readonly GovernedModel[]): void {
    const lacking: string[] = [];
    for (const [name, before] of this.#given) {
      const held = models.find((model) => model.name === name)?.loaded.engine.memory().heldBytes;
      if (held === undefined || held >= before) this.#given.delete(name);
      else lacking.push(`${name} keeps ${megabytes(held)} of ${megabytes(before)} MB of its weights in memory`);
    }
    const { health } = this.#dependencies;
    if (lacking.length > 0)
      health.setUnhealthy(conditionName, `Other programs need memory: ${lacking.join("; ")}.`, { optional: true });
    else health.setHealthy(conditionName, { optional: true });
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
