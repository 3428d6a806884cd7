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
 * How long a step may take that reads weights from the file: its tokens share the reading, and somebody waits for news. Where the
 * reading alone takes most of that, twice the reading.
 */
const aimedReadingMs = 10_000;
/** Steps tell the reading from the computing when one has at least so many times the tokens of the other. */
const tellingRatio = 1.5;

/**
 * How many prompt tokens a step takes that reads weights from the file. One reading serves all of them, so the more the better;
 * they double until the step takes long.
 */
export class StreamedPacing {
  #tokens = firstChunkTokens;
  #readingMs = 0;
  /** The newest step of another size than the last one. */
  #before: { readonly tokens: number; readonly ms: number } | null = null;
  #last: { readonly tokens: number; readonly ms: number } | null = null;

  /** `tokens` of a prompt took `computeMs`. */
  observe(tokens: number, computeMs: number): void {
    if (tokens >= firstChunkTokens) this.#estimate(tokens, computeMs);
    const aimedMs = Math.max(aimedReadingMs, leastSlowdown * this.#readingMs);
    if (tokens >= this.#tokens && (computeMs < aimedMs || this.#before === null)) {
      this.#tokens = 2 * tokens;
    } else if (computeMs > 2 * aimedMs) {
      this.#tokens = Math.max(firstChunkTokens, Math.floor((tokens * aimedMs) / computeMs));
    }
  }

  /** A step takes one reading and so much for each token; steps of two sizes tell both. */
  #estimate(tokens: number, ms: number): void {
    const last = this.#last;
    if (last && Math.max(tokens, last.tokens) >= tellingRatio * Math.min(tokens, last.tokens)) this.#before = last;
    this.#last = { tokens, ms };
    if (!this.#before) return;
    const msPerToken = (ms - this.#before.ms) / (tokens - this.#before.tokens);
    this.#readingMs = ms - tokens * Math.min(Math.max(msPerToken, 0), ms / tokens);
  }

  /** At least 1, at most `limit`. */
  tokens(limit: number): number {
    return Math.max(1, Math.min(this.#tokens, limit));
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
  /** null: all weights are in memory. */
  readonly #streamed: StreamedPacing | null;
  readonly #shared = new Pacing();
  #oneTokenMs = 0;

  /**
   * `maxGapMs`: between two tokens of an answer while a prompt is read. `aloneMs`: of a step that only reads prompts.
   * `streams`: whether each step reads weights from the file.
   */
  constructor(maxGapMs: number, aloneMs: number, streams = false) {
    this.#streamed = streams ? new StreamedPacing() : null;
    this.#maxGapMs = maxGapMs;
    this.#aloneMs = aloneMs;
  }

  /**
   * Prompt tokens of a step without answers, which takes `mostMs` at most. A large model's weights may take longer to read than a
   * step should take; then it takes twice as long, because steps of one token each would read them for every token.
   */
  alone(limit: number, mostMs = Number.POSITIVE_INFINITY): number {
    const stepMs = Math.max(this.#aloneMs, leastSlowdown * this.#oneTokenMs);
    return this.#streamed?.tokens(limit) ?? this.#alone.tokensWithin(Math.min(stepMs, mostMs), limit);
  }

  /** Prompt tokens of a step whose answers alone would take `decodeMs`. */
  beside(decodeMs: number, limit: number): number {
    return this.#shared.tokensWithin(sharedStepMs(decodeMs, this.#maxGapMs) - decodeMs, limit);
  }

  /** A step of a single token, of a prompt or of an answer, took `computeMs`. */
  observeOneToken(computeMs: number): void {
    this.#oneTokenMs = computeMs;
  }

  observe({ promptTokens, decodeMs, computeMs }: StepObservation): void {
    if (decodeMs === null && promptTokens === 1) this.observeOneToken(computeMs);
    if (decodeMs !== null) this.#shared.observe(promptTokens, Math.max(0, computeMs - decodeMs));
    // A step of a single token costs more than a token of many, and says nothing about them.
    else if (promptTokens > 1) (this.#streamed ?? this.#alone).observe(promptTokens, computeMs);
  }
}
