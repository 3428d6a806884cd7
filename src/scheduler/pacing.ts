/**
 * How many prompt tokens fit in a step of a given duration, learned from the steps before. A Raspberry Pi 4 may read two
 * prompt tokens a second and a PC a thousand, so that no fixed chunk suits both.
 */

/** Read before anything was measured: 10 seconds on the slowest board. */
const firstChunkTokens = 16;
/** The weight of the newest step in the moving average. */
const smoothing = 0.3;

export class Pacing {
  #msPerToken: number | null = null;

  /** A step with mostly prompt tokens took `computeMs`. */
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
