/**
 * Refuses texts that cannot fit into the context without tokenizing them: that takes a second a megabyte on a small board,
 * and the event loop waits meanwhile.
 */
import { HearthError } from "../base/errors.js";
import type { Message } from "../chat/messages.js";
import type { Model } from "../engine/contract.js";

/** Bytes a token that ordinary text stays far below: only longer texts need a closer look. */
const suspiciousBytesPerToken = 16;
/** A character without a token of its own may become one token. */
const maxCharacterBytes = 4;

export class PromptLimit {
  readonly #model: Model;
  readonly #contextTokens: number;
  #longestToken: number | null = null;

  constructor(model: Model, contextTokens: number) {
    this.#model = model;
    this.#contextTokens = contextTokens;
  }

  /** Throws CONTEXT_OVERFLOW when even the longest tokens of the vocabulary would be too many. */
  check(messages: readonly Message[]): void {
    const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    if (bytes <= this.#contextTokens * suspiciousBytesPerToken) return;
    this.#longestToken ??= longestTokenBytes(this.#model);
    const atLeast = Math.ceil(bytes / this.#longestToken);
    if (atLeast <= this.#contextTokens) return;
    const message = `The prompt has at least ${atLeast} tokens and the context holds ${this.#contextTokens}.`;
    throw new HearthError("CONTEXT_OVERFLOW", message, { param: "input" });
  }
}

function longestTokenBytes(model: Model): number {
  let longest = maxCharacterBytes;
  for (let id = 0; id < model.info.tokenizer.tokens; id++) {
    longest = Math.max(longest, model.decode(Int32Array.of(id), true).length);
  }
  return longest;
}
