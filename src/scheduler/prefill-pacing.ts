/**
 * Paces the prefill: how many prompt tokens the next step takes, learned from the steps before. A Raspberry Pi 4 may read two
 * prompt tokens a second and a PC a thousand, so that no fixed chunk suits both. Pure: no clock, no engine.
 */

/** Read before anything was measured: 10 seconds on the slowest board. */
const firstChunkTokens = 16;
/** The weight of the newest step in the moving average. */
const smoothing = 0.3;

/** The cost of prompt tokens, learned from the steps before. */
export class Pacing {
  #msPerToken: number | null = null;

  /** `tokens` of a prompt took `computeMs`. */
  observe(tokens: number, computeMs: number): void {
    const msPerToken = computeMs / tokens;
    this.#msPerToken =
      this.#msPerToken === null ? msPerToken : this.#msPerToken + smoothing * (msPerToken - this.#msPerToken);
  }

  /** At least 1, at most `limit`. */
  tokensWithin(durationMs: number, limit: number): number {
    if (this.#msPerToken === null) return Math.min(firstChunkTokens, limit);
    const tokens = Math.floor(durationMs / Math.max(this.#msPerToken, 1e-6));
    return Math.max(1, Math.min(tokens, limit));
  }
}

/**
 * How much longer a step may become for the answers in it when it reads a prompt too. Fourfold is what a listener is promised
 * (scheduler.max_gap_ms); what is aimed at is less, because steps vary.
 */
const aimedSlowdown = 3;
/** However long a step without prompts takes: a prompt gets at least as much time as the answers beside it. */
const leastSlowdown = 2;
/** Shorter steps than this would cost more in handing over than anybody gains. */
const shortestStepMs = 1;

/** The time that a step with answers and prompts should take, where one with the answers alone takes `decodeMs`. */
export function sharedStepMs(decodeMs: number, maxGapMs: number): number {
  return Math.max(shortestStepMs, leastSlowdown * decodeMs, Math.min(aimedSlowdown * decodeMs, maxGapMs));
}

/** The tokens of a step, and its time. */
export interface StepObservation {
  readonly promptTokens: number;
  /** The time of the step without its prompts; null where there were no answers in it. */
  readonly decodeMs: number | null;
  readonly computeMs: number;
}

/** Sizes the prompts' part of a step, which costs less a token when no answer has to go on soon. */
export class PromptPacing {
  readonly #maxGapMs: number;
  readonly #aloneMs: number;
  readonly #alone = new Pacing();
  readonly #shared = new Pacing();

  /** `maxGapMs`: between two tokens of an answer while a prompt is read. `aloneMs`: of a step that only reads prompts. */
  constructor(maxGapMs: number, aloneMs: number) {
    this.#maxGapMs = maxGapMs;
    this.#aloneMs = aloneMs;
  }

  /** Prompt tokens of a step without answers. */
  alone(limit: number): number {
    return this.#alone.tokensWithin(this.#aloneMs, limit);
  }

  /** Prompt tokens of a step whose answers alone would take `decodeMs`. */
  beside(decodeMs: number, limit: number): number {
    return this.#shared.tokensWithin(sharedStepMs(decodeMs, this.#maxGapMs) - decodeMs, limit);
  }

  observe({ promptTokens, decodeMs, computeMs }: StepObservation): void {
    if (decodeMs !== null) this.#shared.observe(promptTokens, Math.max(0, computeMs - decodeMs));
    // A step of a single token costs more than a token of many, and says nothing about them.
    else if (promptTokens > 1) this.#alone.observe(promptTokens, computeMs);
  }
}
