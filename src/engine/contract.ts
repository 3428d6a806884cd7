/**
 * The typed contract with the native addon: what the scheduler and the chat layer may ask of an engine.
 * Mirrors native/include/engine.h; the same words mean the same things on both sides.
 */
import type { EngineMemory, FileHead, MemoryPlanRequest, ModelMemoryPlan, WeightResidency } from "./contract-memory.js";
import type { Model, ModelFileInfo } from "./contract-model.js";
import type {
  EngineOptions,
  MatmulChoice,
  MatmulKind,
  MatmulSpeed,
  MatmulTrial,
  SamplerOptions,
} from "./contract-options.js";
import type { ImportPlan, QuantizeOptions, QuantizeReport, QuantizeWatch } from "./contract-quantize.js";

export type * from "./contract-memory.js";
export * from "./contract-model.js";
export type * from "./contract-options.js";
export type * from "./contract-quantize.js";

export interface StepChunk {
  /** From `openSequence`. At most one chunk a sequence in a step. */
  readonly sequence: number;
  /** Appended to the sequence; at least one. */
  readonly tokens: Int32Array;
  /** Draw the next token after the last one. */
  readonly sample: boolean;
  /** Which tokens of the chunk the logits are returned of; none without it. `last` does not go with `drafts`. */
  readonly logits?: "none" | "last" | "all";
  /** Return the last layer's normed output of every token of the chunk. Not with `sample` or `logits`. */
  readonly hidden?: boolean;
  /**
   * With `sample`: the last `drafts` tokens are drafts of what follows. A token is drawn at each place, and the sequence
   * keeps the drafts up to the first that is not what was drawn: the same tokens as without, in fewer steps.
   */
  readonly drafts?: number;
  /** Tokens of the same prompt that later steps bring: shortly before its end is where others part from it. */
  readonly promptLeft?: number;
}

/** The content of a file of `saveSnapshot`. */
export interface SnapshotInfo {
  readonly tokens: Int32Array;
  /** Lengths that can be gone on from, ascending; null: any. */
  readonly resumable: Int32Array | null;
  readonly fileBytes: number;
}

export interface StepPlan {
  readonly chunks: readonly StepChunk[];
}

/**
 * Why the grammar of a sequence let no token be drawn:
 * - `grammarEnd`: the text is complete, and the vocabulary has no token to say so;
 * - `grammarLoops`: the text goes round in circles, and is complete as it stands;
 * - `grammarStuck`: no token leads on;
 * - `grammarTooComplex`: the grammar is too ambiguous to be followed.
 */
export type StopReason = "grammarEnd" | "grammarLoops" | "grammarStuck" | "grammarTooComplex";

export interface ChunkResult {
  /** The drawn tokens: with `sample` the kept drafts and the token after them, which is missing where `stopped` says why. */
  readonly tokens: Int32Array;
  readonly stopped: StopReason | null;
  /** [1 or all tokens of the chunk, vocabulary], row-major. */
  readonly logits: Float32Array;
  /** [tokens of the chunk, embedding], row-major. */
  readonly hidden: Float32Array;
}

export interface StepResult {
  /** In the plan's order. */
  readonly chunks: readonly ChunkResult[];
  readonly computeMs: number;
}

/**
 * One model run for several sequences. One step, or change of memory, at a time: while it runs, the methods that change sequences
 * throw ENGINE_BUSY. A step that fails leaves the sequences as they were.
 */
export interface Engine {
  /** With the defaults filled in. */
  readonly options: EngineOptions;
  /** The kernel set in use: `avx2`, `neon_dotprod`, ... */
  readonly isa: string;
  /** null: all weights fit. */
  residency(): WeightResidency | null;
  memory(): EngineMemory;
  /**
   * Weights and ring take at most so many bytes from now on; weights without room are read from the file for each step. Runs on
   * a thread of its own, and takes some seconds where the storage does not answer: until then the engine is busy as with a step.
   */
  fitWeights(bytes: number): Promise<void>;
  /** Whether room of the KV cache that no sequence has holds memory, so that it is there when it is needed. Runs as `fitWeights`. */
  holdFreeKv(holds: boolean): Promise<void>;
  /**
   * Steps take so many threads from now on, at most those of `options`; `decodeThreads` of them are for steps of few tokens.
   */
  useThreads(threads: number, decodeThreads: number): void;
  /** How the kinds of the model's matrices are multiplied that hold most of its weights, the largest kind first. */
  matmuls(): readonly MatmulChoice[];
  /** Multiplies so from the next step on. Throws for a way that this CPU cannot run; then nothing changes. */
  useMatmuls(choices: readonly MatmulChoice[]): void;
  openSequence(sampler: SamplerOptions): number;
  /** Shares the first `tokens` tokens of `source`, or as many as `resumableTokens` says; their KV blocks are not copied. */
  forkSequence(source: number, tokens: number, sampler: SamplerOptions): number;
  /** Forgets all but the first `tokens` tokens, or as many of them as `resumableTokens` says. */
  truncateSequence(sequence: number, tokens: number): void;
  /**
   * How many of its first `tokens` tokens a sequence can go on from: all, but in models with sliding windows or recurrent
   * layers, which can go back to their checkpoints only.
   */
  resumableTokens(sequence: number, tokens: number): number;
  setSampler(sequence: number, sampler: SamplerOptions): void;
  closeSequence(sequence: number): void;
  sequenceLength(sequence: number): number;
  freeKvTokens(): number;
  /** A hash of everything beside the tokens that keys and values depend on: 32 hex digits. Reads a piece of each tensor. */
  identify(): Promise<string>;
  /**
   * Writes the first `tokens` tokens of a sequence, or as many as `resumableTokens` says, to a file that appears when it is
   * complete and on the disk. The snapshot is taken at the call, so that steps may run and the sequence may go meanwhile;
   * the call itself rejects with ENGINE_BUSY while a step runs. `key`: at most 64 bytes that restoring has to give again.
   */
  saveSnapshot(sequence: number, tokens: number, path: string, key: string): Promise<SnapshotInfo>;
  /**
   * A new sequence of the first `tokens` tokens of such a file, or of as many as can be gone on from. Reads and checks the
   * file while steps run. Rejects with PREFIX_FILE_INVALID (damaged, or of another key), FILE_OPEN_FAILED,
   * FILE_READ_FAILED, KV_FULL, ENGINE_CLOSED.
   */
  restoreSnapshot(path: string, key: string, tokens: number, sampler: SamplerOptions): Promise<number>;
  /** Reads and checks the header alone. */
  describeSnapshot(path: string, key: string): Promise<SnapshotInfo>;
  /** Runs on the engine's own thread; rejects with a HearthError. */
  step(plan: StepPlan): Promise<StepResult>;
  /** The running step, if there is one, rejects with STOPPED, in the time of one layer. */
  stopStep(): void;
  /** Waits for the running step or change of memory, ends saves and restores, then frees the engine. */
  close(): Promise<void>;
}

/** EngineModule loads models: the native addon does, or the fake of the tests. */
export interface EngineModule {
  /** Maps a GGUF file; resolves off the main thread. */
  loadModel(path: string, options: { vocabularyOnly: boolean }): Promise<Model>;
  createEngine(model: Model, options: EngineOptions): Promise<Engine>;
  /** Reads and checks a GGUF file's header alone. */
  describeFile(path: string): Promise<ModelFileInfo>;
  /**
   * The ways of multiplying matrices that this CPU can run, the usual one first: those that keep to `isa` and `reading` as
   * EngineOptions have them.
   */
  matmulWays(isa: string, reading: string): readonly string[];
  /**
   * How fast each kind that `Engine.matmuls` tells is multiplied in one way: on the model's own weights, up to 256 MB of them.
   * Takes up to a tenth of a second once they are in memory.
   */
  measureMatmul(model: Model, trial: MatmulTrial): Promise<readonly MatmulSpeed[]>;
  /** Bytes a second; takes a quarter of a second, on a slow board two. */
  measureReadBandwidth(threads: number): Promise<number>;
  /** Whether `bytes`, the first ones of a GGUF file of so many, hold its whole header. Rejects with a GGUF_ code. */
  checkHead(bytes: Uint8Array, fileBytes: number): Promise<boolean>;
  /**
   * Plans the memory of a model from the headers of all its files, in order; no weights are mapped or read. Rejects with GGUF_
   * codes, MODEL_PART_INVALID, MODEL_ARCHITECTURE_UNSUPPORTED and the like, and OPTION_OUT_OF_RANGE.
   */
  planMemory(heads: readonly FileHead[], requests: readonly MemoryPlanRequest[]): Promise<ModelMemoryPlan>;
  /** Bytes a second at which a file is read past the page cache, as streamed weights are. Takes so many milliseconds, or less. */
  measureReading(path: string, milliseconds: number): Promise<number>;
  /** Bytes a second of random weights of a kind that are multiplied in one way. Takes some tenths of a second. */
  measureWeights(kind: MatmulKind, trial: MatmulTrial): Promise<number>;
  /** A GGUF file of random weights in a published model's shape, for benchmarks. */
  writeSyntheticModel(shape: string, type: string, path: string): Promise<void>;
  /** Writes a GGUF file with the weights in another type; it appears when it is complete. */
  quantizeModel(source: string, path: string, options: QuantizeOptions, watch?: QuantizeWatch): Promise<QuantizeReport>;
  /** Writes a GGUF file of the plan's keys and tensors. An empty type keeps the matrices' types. */
  importModel(plan: ImportPlan, path: string, options: QuantizeOptions, watch?: QuantizeWatch): Promise<QuantizeReport>;
  compiledIsas(): readonly string[];
  /** Names this build of the engine: another one may compute other values. */
  buildId(): string;
  /** Takes the lock of an open file until it is closed; false while another open file, of any process, has it. */
  tryLock(fd: number): boolean;
  /** Sends one datagram to systemd's notify socket; throws when it cannot. */
  notify(socketPath: string, message: string): void;
}
