/**
 * The typed contract with the native addon: what the scheduler and the chat layer may ask of an engine.
 * Mirrors native/include/engine.h; the same words mean the same things on both sides.
 */

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

export interface SamplerOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly penaltyLastN: number;
  /** 0 to 2^53 - 1. */
  readonly seed: number;
  /** Token id and what is added to its logit, -100 to 100; -100 forbids it. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** A grammar of the same model; without one the sequence may say anything. */
  readonly grammar?: Grammar;
  /** Tokens of the sequence before the text that the grammar is for. */
  readonly grammarFrom?: number;
  /**
   * Within a grammar a loop is left, and the text is brought on towards its end: after one token or two in turn came
   * `loopRepeats` times (without letters four times that), or up to 64 in turn filled `loopTokens` tokens; 0 or without: never.
   */
  readonly loopRepeats?: number;
  readonly loopTokens?: number;
}

export interface EngineOptions {
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
  /** The threads, of those above, for steps of few tokens, which are memory-bound; 0: all. */
  readonly decodeThreads: number;
  readonly maxSequences: number;
  readonly contextTokens: number;
  /** The tokens of all sequences; 0: maxSequences x contextTokens. */
  readonly kvTokens: number;
  /** f16 without. q8_0 needs heads of a multiple of 32: OPTION_OUT_OF_RANGE for others. */
  readonly kvType?: KvType;
  readonly maxBatchTokens: number;
  /**
   * Memory for sequences that only hold a prefix for later: `prefixSequences` more of them, and room for more `kvTokens`. At
   * most `maxSequences` of all take part in a step. Without it: none.
   */
  readonly prefixBytes?: number;
  /** Filled in by the engine. */
  readonly prefixSequences?: number;
  /** A kernel set to force; empty for the best that this CPU runs. */
  readonly isa: string;
  /**
   * How weights are read, to force: `streams:256`, an order (streams or memory) and the bytes to fetch ahead. What it leaves
   * out the kernel set decides, until `useMatmuls` says better.
   */
  readonly reading?: string;
  /**
   * Bytes that the whole process may take; 0 or without: as many as the machine and its control groups leave it. Weights that
   * do not fit are read from the file for each step.
   */
  readonly memoryBudget?: number;
  /** Folder for counts of which experts are used, which the next run begins with; empty or without: none are kept. */
  readonly countsFolder?: string;
  /** For tests, 0 to 1: the share of the weights that stays in memory, whatever fits. */
  readonly keptShare?: number;
}

/** Matrices of one type and length of rows: they are all multiplied best in the same way. */
export interface MatmulKind {
  /** `Q4_0` */
  readonly type: string;
  readonly rowLength: number;
}

/**
 * How matrices are multiplied with the columns of a step, which may be one (a token of an answer), few (of some answers) or
 * many (a prompt). A way is a kernel set, an order of reading and the bytes that are fetched ahead: `avx2:streams:256`. All
 * give the same bits.
 */
export interface MatmulChoice extends MatmulKind {
  readonly one: string;
  readonly few: string;
  readonly many: string;
}

export interface MatmulTrial {
  readonly way: string;
  readonly columns: number;
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
}

export interface MatmulSpeed extends MatmulKind {
  /** Weights read a second. */
  readonly bytesPerSecond: number;
}

/** The places of weights that do not all fit in memory. Mirrors WeightResidency of native/include/engine.h. */
export interface WeightResidency {
  /** Weights that stay in memory. */
  readonly keptBytes: number;
  /** A part of them that the system cannot take. */
  readonly lockedBytes: number;
  /** A part of them that was in memory when somebody looked last. */
  readonly residentBytes: number;
  /** Weights that each step reads from the file. */
  readonly streamedBytes: number;
  /** Buffers that they are read into. */
  readonly ringBytes: number;
  /** Memory for KV cache, activations and weights together. */
  readonly budgetBytes: number;
  /** The limit that set it: `the machine's free memory`. */
  readonly limit: string;
  /** All that was read so far, how long the storage took for it, and how long steps waited. */
  readonly readBytes: number;
  readonly readingMs: number;
  readonly waitedMs: number;
}

/** The first bytes of one of a model's files, its whole header among them. */
export interface FileHead {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The size of all of the file. */
  readonly fileBytes: number;
}

export interface MemoryPlanRequest {
  readonly engine: EngineOptions;
  /** Memory of the whole process; 0: what the machine and its control groups leave, for a process in this one's place. */
  readonly memoryBytes: number;
  /** Memory that the process takes before the model does; 0: as much as this one. */
  readonly processBytes: number;
}

/** The matrices of one type and length of rows that a token is multiplied with. */
export interface PlannedMatmul extends MatmulKind {
  /** Without those of experts. */
  readonly bytes: number;
  readonly expertBytes: number;
}

/** How an engine would divide the memory. Mirrors MemoryPlan of native/include/plan.h. */
export interface MemoryPlan {
  /** With the defaults filled in. */
  readonly options: EngineOptions;
  readonly budgetBytes: number;
  /** The limit that set it: `the machine's free memory`. */
  readonly limit: string;
  /** Left to others, and what the process takes by itself; neither is of the budget. */
  readonly reserveBytes: number;
  readonly processBytes: number;
  /** The KV cache of the slots, and that of prefixes which are kept for later. */
  readonly kvBytes: number;
  readonly prefixBytes: number;
  /** Activations and logits. */
  readonly scratchBytes: number;
  /** All matrices that a token is multiplied with, all experts among them. */
  readonly weightBytes: number;
  /** Weights that stay in memory, and the others, which are read from the file. */
  readonly keptBytes: number;
  readonly streamedBytes: number;
  /** A part of those: a token reads the experts that it uses. */
  readonly streamedExpertBytes: number;
  readonly ringBytes: number;
  /** The largest first. */
  readonly matmuls: readonly PlannedMatmul[];
  /** Experts of each layer, and how many of them a token uses; 0: none. */
  readonly experts: number;
  readonly expertsUsed: number;
  /** Whether the KV cache can be of the type q8_0. */
  readonly mayBeQ8: boolean;
}

export interface ModelMemoryPlan {
  /** Facts of all files together. */
  readonly model: ModelFileInfo;
  /** The tokens of the vocabulary. */
  readonly tokens: number;
  /** One for each request. */
  readonly plans: readonly MemoryPlan[];
}

/** How the memory of an engine stands to what the system has. Mirrors EngineMemory of native/include/engine.h. */
export interface EngineMemory {
  /** Weights that a step may read. */
  readonly weightBytes: number;
  /** Weights that stay in memory, and the ring. */
  readonly heldBytes: number;
  /** Bytes that weights and ring may take at this moment. */
  readonly affordableBytes: number;
  /** Bytes that others lack already, beside that. */
  readonly missingBytes: number;
  /** The share of ten seconds in which some program waited for memory; null: nobody says. */
  readonly stalledPercent: number | null;
}

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
 * One model run for several sequences. One step at a time: while it runs, the methods that change sequences throw
 * ENGINE_BUSY. A step that fails leaves the sequences as they were.
 */
export interface Engine {
  /** With the defaults filled in. */
  readonly options: EngineOptions;
  /** The kernel set in use: `avx2`, `neon_dotprod`, ... */
  readonly isa: string;
  /** null: all weights fit. */
  residency(): WeightResidency | null;
  memory(): EngineMemory;
  /** Weights and ring take at most so many bytes from now on; weights without room are read from the file for each step. */
  fitWeights(bytes: number): void;
  /** Whether room of the KV cache that no sequence has holds memory, so that it is there when it is needed. */
  holdFreeKv(holds: boolean): void;
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
  /** Waits for the running step, ends saves and restores, then frees the engine. */
  close(): Promise<void>;
}

/** Mirrors native/include/quantize.h. */
export interface QuantizeOptions {
  /** A mix of types: `Q4_K_M`, `Q8_0`, `F16`, in any case. */
  readonly type: string;
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
  /** Every matrix in the mix's main type. */
  readonly pure: boolean;
  /** Accept weights that are quantized already. */
  readonly allowRequantize: boolean;
}

export interface QuantizeProgress {
  /** The bytes of the source's weights that are done. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The tensor in work. */
  readonly tensor: string;
}

/** The weights of one type in the written file, and the error that converting them made. */
export interface QuantizedType {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
  /** Sums over the weights that were converted to the type. */
  readonly squaredError: number;
  readonly squaredNorm: number;
}

export interface QuantizeReport {
  /** The bytes of all tensors' data. */
  readonly sourceBytes: number;
  readonly bytes: number;
  readonly weights: number;
  /** The largest first. */
  readonly types: readonly QuantizedType[];
}

export interface QuantizeWatch {
  readonly onProgress?: (progress: QuantizeProgress) => void;
  /** Stops the work; the promise rejects with the signal's reason, and nothing is left of the file. */
  readonly signal?: AbortSignal;
}

/** A tensor in one of several source files, row-major in F32, F16 or BF16, little-endian. */
export interface ImportTensor {
  /** In the written file. */
  readonly name: string;
  readonly type: string;
  /** The fastest dimension first. */
  readonly shape: readonly number[];
  /** Index of `ImportPlan.files`. */
  readonly file: number;
  /** The start of its data, from the start of that file. */
  readonly offset: number;
  /** Not 0: rows are heads of so many rows, whose halves hold the two parts of RoPE's pairs; they are interleaved. */
  readonly interleaveRows: number;
  /** To each weight. */
  readonly add: number;
}

/** Numbers are uint32 unless `type` says otherwise. */
export interface ImportKey {
  readonly name: string;
  readonly value: boolean | number | string | readonly string[] | Int32Array | Float32Array;
  readonly type?: "float32";
}

export interface ImportPlan {
  readonly files: readonly string[];
  readonly keys: readonly ImportKey[];
  readonly tensors: readonly ImportTensor[];
  /** Divisors of RoPE's frequencies; empty for none. */
  readonly ropeFactors: Float32Array;
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
