/** Token ids to text while they stream: never emits half a character. Knows nothing of stop strings and templates. */
import type { Model } from "../engine/contract.js";

export interface DetokenizerOptions {
  /** The first token begins a text, so that the space with which SentencePiece begins it is not shown. */
  readonly startsText: boolean;
  /** Control tokens that are shown by their names. */
  readonly visible?: ReadonlySet<number>;
}

export class Detokenizer {
  readonly #model: Model;
  // Holds back an unfinished UTF-8 sequence and replaces invalid bytes by U+FFFD. A BOM is text like any other.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #visible: ReadonlySet<number>;
  #stripSpace: boolean;

  constructor(model: Model, options: DetokenizerOptions) {
    this.#model = model;
    this.#visible = options.visible ?? new Set();
    this.#stripSpace = options.startsText && model.info.tokenizer.kind === "spm" && model.info.tokenizer.addSpacePrefix;
  }

  /** The text that is complete with these tokens. Control tokens have none unless they are visible. */
  push(ids: Int32Array): string {
    let text = "";
    for (const id of ids) {
      const bytes = this.#model.decode(Int32Array.of(id), this.#visible.has(id));
      text += this.#decoder.decode(bytes, { stream: true });
    }
    return this.#strip(text);
  }

  /** The text that was held back: U+FFFD if the answer ends within a character. */
  flush(): string {
    return this.#strip(this.#decoder.decode());
  }

  #strip(text: string): string {
    if (!this.#stripSpace || text === "") return text;
    this.#stripSpace = false;
    return text.startsWith(" ") ? text.slice(1) : text;
  }
}
