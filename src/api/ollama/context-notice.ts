/**
 * Ollama's clients say how long a context they count on (`num_ctx`). Here the configuration says that, for all clients, and
 * the model's own limit does: a smaller context is worth a line in the log before something does not fit.
 */
import type { Logger } from "../../base/logger.js";
import type { ContextLimits } from "../../service/model-library.js";

/** More than a machine has models; clients choose their names. */
const mostModels = 1000;

export class ContextNotice {
  readonly #logger: Logger;
  /** The largest that was told, by model. */
  readonly #told = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Once for each size that is larger than those before. */
  check(model: string, numCtx: number, { contextTokens, mostTokens }: ContextLimits): void {
    if (numCtx <= Math.max(contextTokens, this.#told.get(model) ?? 0)) return;
    if (this.#told.size >= mostModels) this.#told.clear();
    this.#told.set(model, numCtx);
    const limit =
      contextTokens < mostTokens
        ? `context.tokens allows ${contextTokens} of the ${mostTokens} that ${model} can have`
        : `${model} can have no more than ${contextTokens}`;
    this.#logger.warn(
      { model, numCtx, contextTokens },
      `a client counts on a context of ${numCtx} tokens, and ${limit}`,
    );
  }
}
