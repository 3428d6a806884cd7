/**
 * Reads the configuration again while the daemon runs: takes over what can change, says what cannot, and keeps the one before where the
 * new one is wrong. Knows the order of this; what each option means is its owners'.
 */
import { HearthError } from "../base/errors.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import type { LiveConfig } from "../config/live.js";
import type { Config } from "../config/options.js";
import type { Systemd } from "./systemd.js";

export interface ReloadDependencies {
  readonly live: LiveConfig;
  readonly health: Health;
  readonly logger: Logger;
  readonly systemd: Systemd;
  /** Throws an error of the catalogue where the daemon could not work with this configuration. */
  readonly check: (next: Config) => void;
  /** Hands the present configuration to whoever keeps a part of it. */
  readonly apply: () => void;
  /** One line for `systemctl status`. */
  readonly status: () => string;
}

const conditionName = "configuration";

export class Reload {
  readonly #dependencies: ReloadDependencies;

  constructor(dependencies: ReloadDependencies) {
    this.#dependencies = dependencies;
  }

  /** `read` throws an error of the catalogue where the configuration is wrong. */
  run(read: () => Config): void {
    const { systemd, status } = this.#dependencies;
    systemd.reloading();
    try {
      this.#take(read());
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      this.#refuse(error);
    } finally {
      systemd.ready(status());
    }
  }

  #take(next: Config): void {
    const { live, health, logger, check, apply } = this.#dependencies;
    check(live.preview(next));
    const { taken, waiting } = live.update(next);
    apply();
    logger.info({ changed: taken }, "the configuration was read again");
    if (waiting.length === 0) {
      health.setHealthy(conditionName, { optional: true });
      return;
    }
    const names = waiting.join(", ");
    const reason = `Changes of ${names} are not in use before a restart: sudo systemctl restart hearthd.`;
    logger.warn({ options: waiting }, "changes of these options need a restart");
    health.setUnhealthy(conditionName, reason, { optional: true });
  }

  #refuse(error: HearthError): void {
    const { health, logger } = this.#dependencies;
    const reason = `${error.message} The configuration of before stays in use. ${error.advice}`;
    logger.error({ code: error.code, reason }, "the configuration cannot be read again");
    health.setUnhealthy(conditionName, reason, { optional: true });
  }
}
