/**
 * How much of the machine steps may take: a limit of threads, and rests between steps. One for all models of a process. Whoever sets it
 * knows of heat and of others; the answers are the same with any. Knows nothing of what steps compute.
 */
import type { Clock } from "../base/clock.js";

/** A cancelled request gives its slot back after such a rest at the latest, and a new one waits no longer for its first step. */
const longestRestMs = 4000;
/** Shorter rests cost more in waking up than they spare; they add up instead. */
const shortestRestMs = 2;

/** Steps that rests follow take this at most: longer ones would heat the chip by a degree or two before each rest. */
const restedStepMs = 1000;

export class StepAllowance {
  readonly #clock: Clock;
  #threads = Number.POSITIVE_INFINITY;
  #workShare = 1;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The most threads that a step may take. */
  get threads(): number {
    return this.#threads;
  }

  /** The part of the time in which steps may run, above 0 and up to 1. */
  get workShare(): number {
    return this.#workShare;
  }

  /** How long a step should take at most. */
  get stepMs(): number {
    return this.#workShare < 1 ? restedStepMs : Number.POSITIVE_INFINITY;
  }

  /** From the next step on. */
  set(threads: number, workShare: number): void {
    this.#threads = Math.max(1, threads);
    this.#workShare = Math.min(1, workShare);
  }

  /** A step took so long: a rest after it makes up for that. */
  worked(computeMs: number): void {
    if (this.#workShare >= 1) return;
    const now = this.#clock.now();
    const restMs = computeMs * (1 / this.#workShare - 1);
    this.#restUntil = Math.min(Math.max(now, this.#restUntil) + restMs, now + longestRestMs);
  }

  /** Resolves when the next step may begin; null: at once. */
  rest(): Promise<void> | null {
    const leftMs = this.#restUntil - this.#clock.now();
    if (leftMs < shortestRestMs || this.#workShare >= 1) return null;
    return new Promise((resolve) => this.#clock.after(leftMs, resolve));
  }
}
