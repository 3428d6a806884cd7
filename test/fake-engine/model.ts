/** The model of the fake engine: bytes are tokens, and a few control tokens stand above them. */
import { type ErrorCode, HearthError } from "../../src/base/errors.js";
import type { Grammar, Model, ModelFileInfo, ModelInfo, SamplingKeys } from "../../src/engine/contract.js";

/** Ids above the 256 bytes. */
export const fakeTokens = { bos: 256, eos: 257, turnStart: 258, turnEnd: 259 } as const;
export const vocabularySize = 260;

export interface FakeModelOptions {
  /** Jinja, as a GGUF file would carry it. */
  readonly chatTemplate?: string | null;
  readonly name?: string;
  readonly contextTrained?: number;
  readonly sampling?: SamplingKeys;
}

export class FakeModel implements Model {
  readonly info: ModelInfo;
  readonly path: string;
  /** Set to make checkHealth() throw. */
  fault: ErrorCode | null = null;
  /** The compiled grammars, oldest first. Nothing follows them: the test's NextToken says what is drawn. */
  readonly grammars: string[] = [];

  constructor(path: string, options: FakeModelOptions, vocabularyOnly: boolean) {
    this.path = path;
    this.info = {
      architecture: "fake",
      name: options.name ?? path,
      weightType: vocabularyOnly ? "" : "F32",
      chatTemplate: options.chatTemplate ?? null,
      device: "fake0",
      parameters: 1000,
      fileBytes: 4000,
      weightBytes: 4000,
      contextTrained: options.contextTrained ?? 4096,
      layers: 1,
      embedding: 32,
      kvBytes: { f16: { perToken: 128, perSequence: 0 }, q8_0: { perToken: 72, perSequence: 0 } },
      hasWeights: !vocabularyOnly,
      sampling: options.sampling ?? {},
      tokenizer: {
        kind: "spm",
        preTokenizer: "",
        tokens: vocabularySize,
        bos: fakeTokens.bos,
        eos: fakeTokens.eos,
        eot: fakeTokens.turnEnd,
        eom: null,
        addBos: true,
        addEos: false,
        addSpacePrefix: false,
        warnings: [],
        endOfGeneration: [fakeTokens.eos, fakeTokens.turnEnd],
        specialTokens: [
          { id: fakeTokens.bos, text: "<s>", control: true },
          { id: fakeTokens.eos, text: "</s>", control: true },
          { id: fakeTokens.turnStart, text: "<|turn|>", control: true },
          { id: fakeTokens.turnEnd, text: "<|end|>", control: true },
        ],
      },
    };
  }

  async encode(pieces: readonly (string | number)[]): Promise<Int32Array> {
    return Int32Array.from(pieces.flatMap((piece) => (typeof piece === "number" ? piece : [...Buffer.from(piece)])));
  }

  decode(ids: Int32Array, withControlTokens: boolean): Uint8Array {
    const bytes: number[] = [];
    for (const id of ids) {
      checkToken(id);
      if (id < 256) bytes.push(id);
      else if (withControlTokens) {
        const special = this.info.tokenizer.specialTokens.find((token) => token.id === id);
        bytes.push(...new TextEncoder().encode(special?.text ?? ""));
      }
    }
    return Uint8Array.from(bytes);
  }

  async compileGrammar(gbnf: string): Promise<Grammar> {
    this.grammars.push(gbnf);
    return { match: () => "beginning" };
  }

  async checkStorage(): Promise<void> {
    this.checkHealth();
  }

  checkHealth(): void {
    if (this.fault) throw new HearthError(this.fault, "The fake model was told to be unhealthy.");
  }
}

export function describeFakeFile({ tokenizer, weightBytes, kvBytes, hasWeights, ...info }: ModelInfo): ModelFileInfo {
  return { ...info, fileType: null, tokenizer: "llama", preTokenizer: tokenizer.preTokenizer, parts: 1 };
}

/** Throws TOKEN_OUT_OF_RANGE. */
export function checkToken(id: number): void {
  if (!Number.isInteger(id) || id < 0 || id >= vocabularySize) {
    throw new HearthError("TOKEN_OUT_OF_RANGE", `Token ${id} is not within 0 to ${vocabularySize - 1}.`);
  }
}
