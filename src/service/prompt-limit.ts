/**
 * Refuses what does not fit into the context, and says which limit that is. Texts that cannot fit are refused without
 * tokenizing them: that takes a second a megabyte on a small board, and the event loop waits meanwhile.
 */
import { HearthError } from "../base/errors.js";
import type { Message } from "../chat/messages.js";
import type { Model } from "../engine/contract.js";

/** Bytes a token that ordinary text stays far below: only longer texts need a closer look. */
const suspiciousBytesPerToken = 16;
/** A character without a token of its own may become one token. */
const maxCharacterBytes = 4;

export class PromptLimit {
  /** The tokens that a prompt and its answer may have together: the configured context, or the model's own where that is less. */
  readonly contextTokens: number;
  readonly #model: Model;
  #longestToken: number | null = null;

  constructor(model: Model, contextTokens: number) {
    this.#model = model;
    this.contextTokens = contextTokens;
  }

  /** Throws CONTEXT_OVERFLOW when even the longest tokens of the vocabulary would be too many. */
  check(messages: readonly Message[]): void {
    const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    if (bytes <= this.contextTokens * suspiciousBytesPerToken) return;
    const atLeast = Math.ceil(bytes / this.#longestTokenBytes);
    if (atLeast > this.contextTokens) throw this.#overflow(`at least ${atLeast}`);
  }

  /** Throws CONTEXT_OVERFLOW when so many tokens are too many. */
  checkTokens(tokens: number): void {
    if (tokens > this.contextTokens) throw this.#overflow(String(tokens));
  }

  /** So many characters are at least as many tokens as the context holds: what a longer text has beside them cannot be used. */
  get mostCharacters(): number {
    return this.contextTokens * this.#longestTokenBytes;
  }

  get #longestTokenBytes(): number {
    this.#longestToken ??= longestTokenBytes(this.#model);
    return this.#longestToken;
  }

  /** Only what the configuration holds back can be had by changing it. */
  #overflow(tokens: string): HearthError {
    const { contextTrained } = this.#model.info;
    const { contextTokens } = this;
    const message =
      contextTokens < contextTrained
        ? `The prompt has ${tokens} tokens and the context holds ${contextTokens}. The option context.tokens can raise that to ${contextTrained}, the model's own limit.`
        : `The prompt has ${tokens} tokens and the context of this model holds ${contextTokens}: it was made for no more.`;
    return new HearthError("CONTEXT_OVERFLOW", message, { param: "input" });
  }
}

function longestTokenBytes(model: Model): number {
  let longest = maxCharacterBytes;
  for (let id = 0; id < model.info.tokenizer.tokens; id++) {
    longest = Math.max(longest, model.decode(Int32Array.of(id), true).length);
  }
  return longest;
}
