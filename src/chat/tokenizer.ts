/**
 * Text to token ids: special tokens, the space prefix, BOS and EOS, and the pre-tokenizer around the engine's merges.
 * Knows neither chat templates nor streams.
 */
import { HearthError } from "../base/errors.js";
import type { Model, TokenizerInfo } from "../engine/contract.js";
import { type PreTokenizer, preTokenizer } from "./pre-tokenizers.js";
import { SpecialTokens } from "./special-tokens.js";

export interface EncodeOptions {
  /** Add BOS and EOS where the model wants them. */
  readonly addSpecial: boolean;
  /** Read control tokens in the text. Never for text of a user; user-defined tokens are always read. */
  readonly parseSpecial: boolean;
  /** A string left out of plain text after special tokens were found: it keeps what it stands in from being one. */
  readonly mark?: string;
}

export class Tokenizer {
  readonly info: TokenizerInfo;
  readonly #model: Model;
  readonly #words: PreTokenizer | null; // null: SPM
  readonly #allSpecial: SpecialTokens;
  readonly #userDefined: SpecialTokens;

  /** Throws TOKENIZER_UNSUPPORTED for a model without a tokenizer or with an unknown pre-tokenizer. */
  constructor(model: Model) {
    const { tokenizer: info } = model.info;
    if (info.kind === "none") throw new HearthError("TOKENIZER_UNSUPPORTED", "The model file has no tokenizer.");
    this.info = info;
    this.#model = model;
    this.#words = info.kind === "bpe" ? preTokenizer(info.preTokenizer) : null;
    this.#allSpecial = new SpecialTokens(info.specialTokens);
    this.#userDefined = new SpecialTokens(info.specialTokens.filter((token) => !token.control));
  }

  /** Throws CONTEXT_OVERFLOW for a text that no context could hold. */
  encode(text: string, options: EncodeOptions): Int32Array {
    const ids: number[] = [];
    if (options.addSpecial && this.info.addBos && this.info.bos !== null) ids.push(this.info.bos);
    // SentencePiece begins each text with a space; after a special token a new text begins.
    let textBegins = true;
    const special = options.parseSpecial ? this.#allSpecial : this.#userDefined;
    for (const piece of special.split(text)) {
      if (typeof piece === "number") {
        ids.push(piece);
        textBegins = true;
        continue;
      }
      const plain = options.mark === undefined ? piece : piece.replaceAll(options.mark, "");
      if (plain === "") continue;
      for (const id of this.#encodePlain(plain, textBegins)) ids.push(id);
      textBegins = false;
    }
    if (options.addSpecial && this.info.addEos && this.info.eos !== null) ids.push(this.info.eos);
    return Int32Array.from(ids);
  }

  #encodePlain(text: string, textBegins: boolean): Int32Array {
    if (!this.#words) return this.#model.encode([this.info.addSpacePrefix && textBegins ? ` ${text}` : text]);
    return this.#model.encode(splitWords(this.#words, text));
  }
}

function splitWords(words: PreTokenizer, text: string): string[] {
  try {
    return words(text);
  } catch (error) {
    // The regex engine keeps a stack of some bytes for each letter of a word, and gives up at 64 MiB.
    if (!(error instanceof RangeError)) throw error;
    throw new HearthError("CONTEXT_OVERFLOW", "The text has a word of millions of characters.", { cause: error });
  }
}
