/** Token ids to text while they stream: never emits half a character. Knows nothing of stop strings and templates. */
import type { Model } from "../engine/contract.js";

export class Detokenizer {
  readonly #model: Model;
  // Holds back an unfinished UTF-8 sequence and replaces invalid bytes by U+FFFD. A BOM is text like any other.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #stripSpace: boolean;

  /** `startsText`: the first token begins a text, so that the space with which SentencePiece begins it is not shown. */
  constructor(model: Model, options: { readonly startsText: boolean }) {
    this.#model = model;
    this.#stripSpace = options.startsText && model.info.tokenizer.kind === "spm" && model.info.tokenizer.addSpacePrefix;
  }

  /** The text that is complete with these tokens. Control tokens have none. */
  push(ids: Int32Array): string {
    return this.#strip(this.#decoder.decode(this.#model.decode(ids, false), { stream: true }));
  }

  /** What was held back: U+FFFD if the answer ends within a character. */
  flush(): string {
    return this.#strip(this.#decoder.decode());
  }

  #strip(text: string): string {
    if (!this.#stripSpace || text === "") return text;
    this.#stripSpace = false;
    return text.startsWith(" ") ? text.slice(1) : text;
  }
}
