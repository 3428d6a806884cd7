/**
 * Ollama's clients say how long a context they count on (`num_ctx`). Here the configuration says that, for all clients: what
 * does not fit is an error and never cut, so a smaller context is worth a line in the log before it comes to that.
 */
import type { Logger } from "../../base/logger.js";

export class ContextNotice {
  readonly #contextTokens: number;
  readonly #logger: Logger;
  #largest: number;

  constructor(contextTokens: number, logger: Logger) {
    this.#contextTokens = contextTokens;
    this.#logger = logger;
    this.#largest = contextTokens;
  }

  /** Once for each size that is larger than those before. */
  check(numCtx: number): void {
    if (numCtx <= this.#largest) return;
    this.#largest = numCtx;
    this.#logger.warn(
      { numCtx, contextTokens: this.#contextTokens },
      `a client counts on a context of ${numCtx} tokens, and context.tokens is ${this.#contextTokens}: what does not fit is refused`,
    );
  }
}
