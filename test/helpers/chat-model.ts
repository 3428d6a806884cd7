/** A model for the tests of the chat layer: each byte is a token of its own, and special tokens follow from 256 on. */
import type { Model, TokenizerInfo } from "../../src/engine/contract.js";

export interface TestModelOptions {
  readonly kind?: TokenizerInfo["kind"];
  readonly preTokenizer?: string;
  readonly addSpacePrefix?: boolean;
  /** Text and kind of the tokens 256, 257, ... */
  readonly special?: readonly { readonly text: string; readonly control: boolean }[];
  readonly bos?: string;
  readonly eos?: string;
  readonly addBos?: boolean;
  readonly addEos?: boolean;
  readonly chatTemplate?: string;
  readonly name?: string;
  readonly architecture?: string;
  /** Sees every list of words that is encoded. */
  readonly onEncode?: (words: readonly string[]) => void;
}

export function testModel(options: TestModelOptions = {}): Model {
  const specialTokens = (options.special ?? []).map((token, i) => ({ ...token, id: 256 + i }));
  const idOf = (text?: string) => specialTokens.find((token) => token.text === text)?.id ?? null;
  const tokenizer: TokenizerInfo = {
    kind: options.kind ?? "bpe",
    preTokenizer: options.preTokenizer ?? "gpt-2",
    tokens: 256 + specialTokens.length,
    bos: idOf(options.bos),
    eos: idOf(options.eos),
    eot: null,
    eom: null,
    addBos: options.addBos ?? false,
    addEos: options.addEos ?? false,
    warnings: [],
    addSpacePrefix: options.addSpacePrefix ?? false,
    endOfGeneration: [],
    specialTokens,
  };
  return {
    info: {
      architecture: options.architecture ?? "llama",
      name: options.name ?? "test",
      weightType: "F32",
      chatTemplate: options.chatTemplate ?? null,
      device: "",
      parameters: 0,
      fileBytes: 0,
      weightBytes: 0,
      contextTrained: 2048,
      layers: 1,
      embedding: 1,
      kvBytes: { f16: { perToken: 1, perSequence: 0 }, q8_0: { perToken: 1, perSequence: 0 } },
      hasWeights: true,
      sampling: {},
      tokenizer,
    },
    async encode(pieces) {
      options.onEncode?.(pieces.filter((piece) => typeof piece === "string"));
      return Int32Array.from(pieces.flatMap((piece) => (typeof piece === "number" ? piece : [...Buffer.from(piece)])));
    },
    decode(ids, withControlTokens) {
      const parts = [...ids].map((id) => {
        const special = specialTokens.find((token) => token.id === id);
        if (!special) return Uint8Array.of(id);
        return Buffer.from(special.control && !withControlTokens ? "" : special.text);
      });
      return Uint8Array.from(Buffer.concat(parts));
    },
    compileGrammar: () => Promise.reject(new Error("this model has no engine")),
    async checkStorage() {},
  };
}

/** The tokens as text with special ones in guillemets: "«<s>»Hi". */
export function shown(model: Model, ids: Int32Array): string {
  const pieces: Buffer[] = [];
  for (const id of ids) {
    const special = model.info.tokenizer.specialTokens.find((token) => token.id === id);
    pieces.push(special ? Buffer.from(`«${special.text}»`) : Buffer.from([id]));
  }
  return Buffer.concat(pieces).toString();
}
