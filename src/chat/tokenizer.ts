/**
 * Text to token ids: special tokens, the space prefix, BOS and EOS, and the pre-tokenizer around the engine's merges.
 * Knows neither chat templates nor streams.
 */
import { HearthError } from "../base/errors.js";
import type { Model, ModelInfo, TokenizerInfo } from "../engine/contract.js";
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

export interface TokenizerOptions {
  /** The answer to an unknown pre-tokenizer: see preTokenizer(). */
  readonly unknownPreTokenizer?: "refuse" | "default";
}

/** Characters between two rests: the event loop gets its turn after some milliseconds even on a small board. */
const batchCharacters = 16_384;

export class Tokenizer {
  readonly info: TokenizerInfo;
  readonly #model: Model;
  readonly #words: PreTokenizer | null; // null: SPM
  readonly #allSpecial: SpecialTokens;
  readonly #userDefined: SpecialTokens;
  readonly #swallowing: ReadonlySet<number>;

  /** Throws TOKENIZER_UNSUPPORTED for a model without a tokenizer or with an unknown pre-tokenizer. */
  constructor(model: Model, options: TokenizerOptions = {}) {
    const { tokenizer: info } = model.info;
    if (info.kind === "none") throw new HearthError("TOKENIZER_UNSUPPORTED", "The model file has no tokenizer.");
    this.info = info;
    this.#model = model;
    this.#words = info.kind === "bpe" ? preTokenizer(info.preTokenizer, options.unknownPreTokenizer) : null;
    this.#allSpecial = new SpecialTokens(info.specialTokens);
    this.#userDefined = new SpecialTokens(info.specialTokens.filter((token) => !token.control));
    this.#swallowing = swallowingTokens(model.info);
  }

  /** Rejects with CONTEXT_OVERFLOW for a text that no context could hold. Never blocks the event loop for long. */
  async encode(text: string, options: EncodeOptions): Promise<Int32Array> {
    const encoded: Int32Array[] = [];
    let batch: (string | number)[] = [];
    let characters = 0;
    for (const piece of limited(this.#pieces(text, options))) {
      batch.push(piece);
      characters += typeof piece === "string" ? piece.length : 1;
      if (characters < batchCharacters) continue;
      encoded.push(await this.#model.encode(batch));
      batch = [];
      characters = 0;
    }
    if (batch.length > 0) encoded.push(await this.#model.encode(batch));
    return concatenate(encoded);
  }

  /** Words for the engine, and ids of special tokens. */
  *#pieces(text: string, options: EncodeOptions): Generator<string | number> {
    if (options.addSpecial && this.info.addBos && this.info.bos !== null) yield this.info.bos;
    // SentencePiece begins each text with a space; after a special token a new text begins.
    let textBegins = true;
    let swallows = false;
    const special = options.parseSpecial ? this.#allSpecial : this.#userDefined;
    for (const piece of special.split(text)) {
      if (typeof piece === "number") {
        yield piece;
        textBegins = true;
        swallows = this.#swallowing.has(piece);
        continue;
      }
      const unmarked = options.mark === undefined ? piece : piece.replaceAll(options.mark, "");
      const plain = swallows ? unmarked.trimStart() : unmarked;
      swallows &&= plain === "";
      if (plain === "") continue;
      if (this.#words) yield* this.#words(plain);
      else yield this.info.addSpacePrefix && textBegins ? ` ${plain}` : plain;
      textBegins = false;
    }
    if (options.addSpecial && this.info.addEos && this.info.eos !== null) yield this.info.eos;
  }
}

/** Phi-3's special tokens take the white space behind them (`rstrip` in its tokenizer.json, which GGUF has no key for). */
function swallowingTokens({ architecture, tokenizer: { kind, specialTokens } }: ModelInfo): ReadonlySet<number> {
  const tokens = architecture === "phi3" && kind === "spm" ? specialTokens : [];
  const others = ["<unk>", "<s>", "<|endoftext|>"];
  return new Set(tokens.filter(({ text }) => !others.includes(text)).map(({ id }) => id));
}

/** The regex engine keeps a stack of some bytes for each letter of a word, and gives up at 64 MiB. */
function* limited<T>(pieces: Iterable<T>): Generator<T> {
  try {
    yield* pieces;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HearthError("CONTEXT_OVERFLOW", "The text has a word of millions of characters.", { cause: error });
  }
}

function concatenate(arrays: readonly Int32Array[]): Int32Array {
  const result = new Int32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    result.set(array, at);
    at += array.length;
  }
  return result;
}
