/**
 * The keys that a running daemon lets in: the file's, and where the file is damaged those that it held before. A slip in an
 * editor must not lock a household out.
 */
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import type { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import type { KeyFile, StoredKey } from "../store/key-file.js";

export interface LastGoodKeysDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
}

const periodMs = 10_000;
const conditionName = "keys";

export class LastGoodKeys {
  readonly #file: Pick<KeyFile, "keys">;
  readonly #dependencies: LastGoodKeysDependencies;
  /** null: the file was never read. */
  #kept: readonly StoredKey[] | null = null;
  #cancel: (() => void) | null = null;

  constructor(file: Pick<KeyFile, "keys">, dependencies: LastGoodKeysDependencies) {
    this.#file = file;
    this.#dependencies = dependencies;
  }

  /** Throws KEY_FILE_INVALID where no good file was ever seen. */
  keys(): readonly StoredKey[] {
    const { health } = this.#dependencies;
    try {
      this.#kept = this.#file.keys();
      health.setHealthy(conditionName, { optional: true });
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      this.#report(error);
      if (this.#kept === null) throw error;
    }
    return this.#kept;
  }

  /** Looks now and then, so that a damaged file shows before somebody misses a new key. */
  start(): void {
    try {
      this.keys();
    } catch {
      // It is reported, and whoever needs a key is told.
    }
    this.#cancel = this.#dependencies.clock.after(periodMs, () => this.start());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #report(error: HearthError): void {
    const { health, logger } = this.#dependencies;
    const instead =
      this.#kept === null ? "Nobody who needs a key is let in." : "The keys that it held before stay valid.";
    const reason = `${error.message} ${instead} ${error.advice}`;
    if (health.get(conditionName)?.reason === reason) return;
    logger.error({ reason }, "the keys cannot be read");
    health.setUnhealthy(conditionName, reason, { optional: true });
  }
}
