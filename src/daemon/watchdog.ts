/**
 * Pings systemd's watchdog for as long as the engine gets on with its work. A timer alone would prove only that the event
 * loop turns: a ping is withheld once work has stood still for a whole period, and systemd then restarts the daemon.
 */
import type { Clock } from "../base/clock.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";

/** Work that has to make progress. */
export interface Progress {
  /** Whether there is work; without work nothing can be stuck. */
  readonly busy: boolean;
  /** On the clock's scale: the last step that ended, or when work began. */
  readonly lastProgressAt: number;
}

export interface WatchdogDependencies {
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  /** systemd's period in milliseconds. */
  readonly periodMs: number;
  readonly progress: () => Progress;
  readonly ping: () => void;
}

const conditionName = "progress";

export class Watchdog {
  readonly #dependencies: WatchdogDependencies;
  #cancel: (() => void) | null = null;

  constructor(dependencies: WatchdogDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#check();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #check(): void {
    const { clock, health, logger, periodMs, progress, ping } = this.#dependencies;
    const { busy, lastProgressAt } = progress();
    const standstillMs = clock.now() - lastProgressAt;
    if (busy && standstillMs >= periodMs) {
      const seconds = Math.round(standstillMs / 1000);
      if (health.get(conditionName)?.healthy !== false)
        logger.error({ standstillMs }, "no step ended: no ping is sent");
      health.setUnhealthy(conditionName, `No step of the engine has ended for ${seconds} s.`);
    } else {
      health.setHealthy(conditionName);
      ping();
    }
    // A third of the period, so that one late timer does not cost the process its life.
    this.#cancel = clock.after(periodMs / 3, () => this.#check());
  }
}
