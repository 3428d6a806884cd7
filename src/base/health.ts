/**
 * Named conditions that are healthy or unhealthy for a reason: `model`, `scheduler`, ...
 * Knows nothing of what the conditions mean or who shows them.
 */
import type { Clock } from "./clock.js";

export interface Condition {
  readonly name: string;
  readonly healthy: boolean;
  /** Why it is unhealthy; empty when it is healthy. */
  readonly reason: string;
  /** Without it the daemon serves all the same. */
  readonly optional: boolean;
  /** Milliseconds since 1970 of the last change between healthy and unhealthy. */
  readonly since: number;
}

export class Health {
  readonly #clock: Clock;
  readonly #conditions = new Map<string, Condition>();
  readonly #listeners = new Set<(condition: Condition) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setHealthy(name: string, { optional = false } = {}): void {
    this.#set(name, true, "", optional);
  }

  setUnhealthy(name: string, reason: string, { optional = false } = {}): void {
    this.#set(name, false, reason, optional);
  }

  /** For a condition of something that is no more. */
  forget(name: string): void {
    this.#conditions.delete(name);
  }

  get(name: string): Condition | undefined {
    return this.#conditions.get(name);
  }

  /** Whether all conditions hold that are not optional. */
  get healthy(): boolean {
    return this.conditions().every((condition) => condition.healthy || condition.optional);
  }

  /** In the order in which they were first set. */
  conditions(): readonly Condition[] {
    return [...this.#conditions.values()];
  }

  /** Calls `listener` on every change of state or reason; the result stops it. */
  onChange(listener: (condition: Condition) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(name: string, healthy: boolean, reason: string, optional: boolean): void {
    const before = this.#conditions.get(name);
    if (before?.healthy === healthy && before.reason === reason) return;
    const since = before?.healthy === healthy ? before.since : this.#clock.wallTime();
    const condition = { name, healthy, reason, optional, since };
    this.#conditions.set(name, condition);
    for (const listener of this.#listeners) listener(condition);
  }
}
