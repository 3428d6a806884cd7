/** The contract with the native addon, of models: what a file says, its vocabulary, and grammars. */

export interface SpecialToken {
  readonly id: number;
  readonly text: string;
  /** false: user-defined, which is parsed in all text. */
  readonly control: boolean;
}

export interface TokenizerInfo {
  readonly kind: "spm" | "bpe" | "none";
  /** `tokenizer.ggml.pre`: names the regex that BPE text is split by before `encode`. */
  readonly preTokenizer: string;
  readonly tokens: number;
  readonly bos: number | null;
  readonly eos: number | null;
  readonly eot: number | null;
  readonly eom: number | null;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** SPM: a text starts with a space. */
  readonly addSpacePrefix: boolean;
  readonly endOfGeneration: readonly number[];
  readonly specialTokens: readonly SpecialToken[];
  /** Sentences: what is wrong with the file's vocabulary, and was left out. */
  readonly warnings: readonly string[];
}

/** How keys and values are kept: in 16 bits, or in 8 and a scale for each 32. */
export const kvTypes = ["f16", "q8_0"] as const;
export type KvType = (typeof kvTypes)[number];

/** The memory that a sequence takes. */
export interface KvBytes {
  readonly perToken: number;
  /** Beside that, at most: sliding windows, recurrent states, their checkpoints. */
  readonly perSequence: number;
}

/** The numbers under `general.sampling.` in a file's header, by the names behind that: `temp`, `top_k`. Not checked. */
export type SamplingKeys = Readonly<Record<string, number>>;

export interface ModelInfo {
  readonly architecture: string;
  readonly name: string;
  /** The type that holds most bytes, `Q4_0`; empty without weights. */
  readonly weightType: string;
  /** Jinja; null when the file has none. */
  readonly chatTemplate: string | null;
  /** The device that the file is on, `mmcblk0p2`; empty where the system does not say. */
  readonly device: string;
  readonly parameters: number;
  readonly fileBytes: number;
  /** Read for each decoded token. */
  readonly weightBytes: number;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embedding: number;
  /** With each `EngineOptions.kvType`. */
  readonly kvBytes: Readonly<Record<KvType, KvBytes>>;
  readonly hasWeights: boolean;
  readonly sampling: SamplingKeys;
  readonly tokenizer: TokenizerInfo;
}

/** The facts of a file's header, also of a model that the engine cannot run. Empty or 0 where the header lacks one. */
export interface ModelFileInfo {
  readonly architecture: string;
  readonly name: string;
  /** The type that holds most bytes: `Q4_K`. */
  readonly weightType: string;
  /** `general.file_type`: the mix of types, as llama.cpp numbers them. */
  readonly fileType: number | null;
  readonly chatTemplate: string | null;
  /** `tokenizer.ggml.model` and `tokenizer.ggml.pre`. */
  readonly tokenizer: string;
  readonly preTokenizer: string;
  /** The number of weights in this file alone. */
  readonly parameters: number;
  readonly fileBytes: number;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embedding: number;
  readonly sampling: SamplingKeys;
  /** Files that the model is split into. */
  readonly parts: number;
}

/** The texts that a sequence may say, compiled for one model's vocabulary. */
export interface Grammar {
  /** How a text stands to it: no text of the language begins so, some do, or it is one. */
  match(text: string): "none" | "beginning" | "whole";
}

export interface Model {
  readonly info: ModelInfo;
  /**
   * Ids of words (BPE: regex matches; SPM: whole texts); numbers are ids already and stay in their places. Never parses
   * special tokens. Works off the main thread; rejects with CONTEXT_OVERFLOW for a word that no context could hold.
   */
  encode(pieces: readonly (string | number)[]): Promise<Int32Array>;
  /** Bytes of ids: not always whole UTF-8 characters. */
  decode(ids: Int32Array, withControlTokens: boolean): Uint8Array;
  /** Compiles GBNF off the main thread. Rejects with GRAMMAR_INVALID, GRAMMAR_TOO_COMPLEX or TOKENIZER_UNSUPPORTED. */
  compileGrammar(gbnf: string): Promise<Grammar>;
  /**
   * Rejects with FILE_CHANGED or FILE_READ_FAILED once the mapped file is no longer what was loaded, or was not readable: until
   * the place that could not be read can be read again. `probes`: reads a block in any case. It takes as long as the storage does.
   */
  checkStorage(probes: boolean): Promise<void>;
}
