/**
 * A deterministic engine for tests: bytes are tokens, and the next token is a hash of the history or a scripted text.
 * It obeys every rule of the contract, can fail the n-th call of a method, and can hold each step until the test lets it go.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { deferred } from "../../src/base/async.js";
import { HearthError } from "../../src/base/errors.js";
import type {
  ChunkResult,
  Engine,
  EngineMemory,
  EngineOptions,
  MatmulChoice,
  MatmulKind,
  MatmulTrial,
  SamplerOptions,
  SnapshotInfo,
  StepChunk,
  StepPlan,
  StepResult,
  WeightResidency,
} from "../../src/engine/contract.js";
import type { Failures } from "./failures.js";
import { type FakeModel, type FakeModelOptions, fakeTokens, vocabularySize } from "./model.js";
import { FakeSequences } from "./sequences.js";
import { readSnapshot, writeSnapshot } from "./snapshots.js";

/** Draws the token after `history`; `answered` counts the tokens drawn since the last prompt chunk. */
export type NextToken = (history: readonly number[], answered: number) => number;

export interface FakeMatmuls {
  readonly kinds: readonly MatmulKind[];
  readonly ways: readonly string[];
  readonly speed: (kind: MatmulKind, trial: MatmulTrial) => number;
}

export const oneMatmul: FakeMatmuls = {
  kinds: [{ type: "F32", rowLength: 32 }],
  ways: ["fake:memory:0"],
  speed: () => 1e9,
};

export interface FakeOptions extends FakeModelOptions {
  readonly next?: NextToken;
  /** How long a step takes. */
  readonly stepMs?: (plan: StepPlan, engine: EngineOptions) => number;
  /** The cores of the board; 1 without. */
  readonly cores?: number;
  readonly loadMs?: number;
  /** Loading a model waits for this as well. */
  readonly loading?: Promise<void>;
  /** Every step waits for `release()`. */
  readonly manual?: boolean;
  /** How long saving and restoring a prefix takes. */
  readonly transferMs?: number;
  /** Kinds of matrices, and how fast each is in each way that there is; without it there is one of both. */
  readonly matmuls?: FakeMatmuls;
  /** The places of its weights when they do not all fit. */
  readonly residency?: WeightResidency;
  /** How its memory stands to the system's, with so many bytes of weights held; ample without. */
  readonly memory?: (heldBytes: number) => EngineMemory;
  /** Every change of the engine's memory waits for this. */
  readonly changing?: Promise<void>;
  /** Sequences go on only from their end and from multiples of this, as those of a model with recurrent layers. */
  readonly resumeEvery?: number;
}

/** Lower-case letters and spaces that depend on all tokens before; never ends by itself. */
export const hashedLetters: NextToken = (history) => {
  let hash = 2166136261; // FNV-1a, 32 bits
  for (const token of history) hash = Math.imul(hash ^ token, 16777619) >>> 0;
  const letter = hash % 27;
  return letter === 26 ? 0x20 : 0x61 + letter;
};

/** Answers every prompt with `text` and then ends. */
export function scripted(text: string): NextToken {
  const bytes = new TextEncoder().encode(text);
  return (_history, answered) => bytes[answered] ?? fakeTokens.eos;
}

const ampleMemory: EngineMemory = {
  weightBytes: 4000,
  heldBytes: 4000,
  affordableBytes: 1e9,
  stalledPercent: null,
};

const prefixSequences = 8;

export class FakeEngine implements Engine {
  readonly options: EngineOptions;
  readonly isa = "fake";
  /** Every plan that ran, oldest first. */
  readonly plans: StepPlan[] = [];
  /** Calls of fitWeights and holdFreeKv, oldest first. */
  readonly memoryCalls: (readonly ["fitWeights" | "holdFreeKv", number | boolean])[] = [];
  /** The bytes of weights that fitWeights allowed last. */
  heldBytes = Number.POSITIVE_INFINITY;
  readonly #model: FakeModel;
  readonly #fake: FakeOptions;
  readonly #failures: Failures;
  readonly #sequences: FakeSequences;
  #threads: Pick<EngineOptions, "threads" | "decodeThreads">;
  #matmuls: readonly MatmulChoice[];
  #stopRunning: (() => void) | null = null;
  /** A step, or a change of memory. */
  #running: Promise<unknown> | null = null;
  #release: (() => void) | null = null;
  #closed = false;

  constructor(model: FakeModel, options: EngineOptions, fake: FakeOptions, failures: Failures) {
    this.#model = model;
    this.#fake = fake;
    this.#failures = failures;
    const cores = fake.cores ?? 1;
    const contextTokens = Math.min(options.contextTokens, model.info.contextTrained);
    const prefixTokens = Math.floor((options.prefixBytes ?? 0) / model.info.kvBytes.f16.perToken);
    this.options = {
      ...options,
      threads: options.threads || cores,
      decodeThreads: options.decodeThreads || options.threads || cores,
      contextTokens,
      kvTokens: (options.kvTokens || options.maxSequences * contextTokens) + prefixTokens,
      prefixSequences: prefixTokens > 0 ? prefixSequences : 0,
      isa: "fake",
    };
    this.#sequences = new FakeSequences(this.options, fake.resumeEvery ?? 1);
    this.#threads = { threads: this.options.threads, decodeThreads: this.options.decodeThreads };
    const { kinds, ways } = fake.matmuls ?? oneMatmul;
    const [usual = ""] = ways;
    this.#matmuls = kinds.map((kind) => ({ ...kind, one: usual, few: usual, many: usual }));
  }

  /** The threads that useThreads was called with last. */
  get usedThreads(): Pick<EngineOptions, "threads" | "decodeThreads"> {
    return this.#threads;
  }

  get openSequences(): number {
    return this.#sequences.size;
  }

  /** True while a step waits for `release()`. */
  get held(): boolean {
    return this.#release !== null;
  }

  /** Manual mode: waits until a step is held, lets it go, and waits for its end. */
  async release(): Promise<void> {
    while (!this.#release) await nextTurn();
    const running = this.#running;
    this.#release();
    await running?.catch(() => undefined);
  }

  residency(): WeightResidency | null {
    return this.#fake.residency ?? null;
  }

  memory(): EngineMemory {
    return this.#fake.memory?.(this.heldBytes) ?? ampleMemory;
  }

  async fitWeights(bytes: number): Promise<void> {
    this.#enter("fitWeights");
    this.memoryCalls.push(["fitWeights", bytes]);
    await this.#change();
    this.heldBytes = Math.min(bytes, this.memory().weightBytes);
  }

  async holdFreeKv(holds: boolean): Promise<void> {
    this.#enter("holdFreeKv");
    this.memoryCalls.push(["holdFreeKv", holds]);
    await this.#change();
  }

  /** The engine is busy until a change of its memory has been made. */
  async #change(): Promise<void> {
    this.#running = this.#fake.changing ?? nextTurn();
    await this.#running;
    this.#running = null;
  }

  useThreads(threads: number, decodeThreads: number): void {
    this.#enter("useThreads");
    if (!(threads >= 1 && threads <= this.options.threads && decodeThreads >= 1 && decodeThreads <= threads)) {
      throw new HearthError("OPTION_OUT_OF_RANGE", `${threads} and ${decodeThreads} threads.`);
    }
    this.#threads = { threads, decodeThreads };
  }

  matmuls(): readonly MatmulChoice[] {
    return this.#matmuls;
  }

  useMatmuls(choices: readonly MatmulChoice[]): void {
    this.#enter("useMatmuls");
    const ways = new Set([...(this.#fake.matmuls ?? oneMatmul).ways, "ref"]);
    for (const { one, few, many } of choices) {
      const unknown = [one, few, many].find((way) => !ways.has(way));
      if (unknown !== undefined) throw new HearthError("ISA_UNKNOWN", `There are no kernels named '${unknown}'.`);
    }
    const given = ({ type, rowLength }: MatmulKind) =>
      choices.find((choice) => choice.type === type && choice.rowLength === rowLength);
    this.#matmuls = this.#matmuls.map((choice) => given(choice) ?? choice);
  }

  openSequence(sampler: SamplerOptions): number {
    this.#enter("openSequence");
    checkSampler(sampler);
    return this.#sequences.open();
  }

  forkSequence(source: number, tokens: number, sampler: SamplerOptions): number {
    this.#enter("forkSequence");
    checkSampler(sampler);
    return this.#sequences.fork(source, tokens);
  }

  truncateSequence(sequence: number, tokens: number): void {
    this.#enter("truncateSequence");
    this.#sequences.truncate(sequence, tokens);
  }

  resumableTokens(sequence: number, tokens: number): number {
    this.#enter("resumableTokens");
    return this.#sequences.resumable(this.#sequences.find(sequence), tokens);
  }

  setSampler(sequence: number, sampler: SamplerOptions): void {
    this.#enter("setSampler");
    this.#sequences.find(sequence);
    checkSampler(sampler);
  }

  closeSequence(sequence: number): void {
    this.#enter("closeSequence");
    this.#sequences.close(sequence);
  }

  sequenceLength(sequence: number): number {
    return this.#sequences.find(sequence).history.length;
  }

  freeKvTokens(): number {
    return this.#sequences.freeTokens;
  }

  async identify(): Promise<string> {
    this.#failures.check("identify");
    return createHash("sha256").update(this.#model.path).digest("hex").slice(0, 32);
  }

  async saveSnapshot(sequence: number, tokens: number, path: string, key: string): Promise<SnapshotInfo> {
    this.#enter("saveSnapshot");
    const found = this.#sequences.find(sequence);
    const history = found.history.slice(0, this.#sequences.resumable(found, tokens));
    await delay(this.#fake.transferMs ?? 0);
    this.#failures.check("saveSnapshotResult");
    await writeSnapshot(path, key, history, this.#fake.resumeEvery ?? null);
    return this.describeSnapshot(path, key);
  }

  async restoreSnapshot(path: string, key: string, tokens: number, sampler: SamplerOptions): Promise<number> {
    this.#failures.check("restoreSnapshot");
    checkSampler(sampler);
    const { tokens: stored, resumable } = await this.describeSnapshot(path, key);
    await delay(this.#fake.transferMs ?? 0);
    while (this.#running) await this.#running.catch(() => undefined);
    if (this.#closed) throw new HearthError("ENGINE_CLOSED", "The engine was closed.");
    const length = resumable ? Math.max(0, ...resumable.filter((n) => n <= tokens)) : Math.min(tokens, stored.length);
    return this.#sequences.adopt([...stored.subarray(0, length)]);
  }

  describeSnapshot(path: string, key: string): Promise<SnapshotInfo> {
    return readSnapshot(path, key);
  }

  async step(plan: StepPlan): Promise<StepResult> {
    this.#enter("step");
    this.#sequences.reserve(plan);
    this.plans.push(plan);
    const running = this.#run(plan);
    this.#running = running;
    try {
      return await running;
    } catch (error) {
      for (const { sequence } of plan.chunks) this.#sequences.dropSpareBlocks(this.#sequences.find(sequence));
      throw error;
    } finally {
      this.#running = null;
    }
  }

  stopStep(): void {
    this.#stopRunning?.();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
    this.#sequences.clear();
  }

  async #run(plan: StepPlan): Promise<StepResult> {
    const stopped = deferred<never>();
    this.#stopRunning = () => stopped.reject(new HearthError("STOPPED", "The step was stopped."));
    if (this.#fake.manual) {
      const released = deferred<void>();
      this.#release = () => released.resolve();
      await Promise.race([released.promise, stopped.promise]).finally(() => {
        this.#release = null;
      });
    }
    const computeMs = this.#fake.stepMs?.(plan, { ...this.options, ...this.#threads }) ?? 0;
    await Promise.race([computeMs > 0 ? delay(computeMs) : nextTurn(), stopped.promise]);
    this.#stopRunning = null;
    this.#model.checkHealth();
    this.#failures.check("stepResult");
    return { chunks: plan.chunks.map((chunk) => this.#compute(chunk)), computeMs };
  }

  #compute(chunk: StepChunk): ChunkResult {
    const logits = this.#logits(chunk);
    return {
      tokens: Int32Array.from(this.#append(chunk)),
      stopped: null,
      logits: Float32Array.from(logits),
      hidden: Float32Array.from(chunk.hidden ? this.#hidden(chunk) : []),
    };
  }

  /** The drawn tokens. */
  #append({ sequence: id, tokens, sample, drafts = 0 }: StepChunk): number[] {
    const sequence = this.#sequences.find(id);
    const goesOn = tokens.length - drafts === 1 && tokens[0] === sequence.drawn;
    if (!goesOn) sequence.answered = 0;
    sequence.history.push(...tokens.subarray(0, tokens.length - drafts));
    if (!sample) return [];
    const drawn: number[] = [];
    for (const draft of [...tokens.subarray(tokens.length - drafts), null]) {
      sequence.drawn = (this.#fake.next ?? hashedLetters)(sequence.history, sequence.answered);
      sequence.answered++;
      drawn.push(sequence.drawn);
      if (draft !== sequence.drawn) break;
      sequence.history.push(draft);
    }
    this.#sequences.dropSpareBlocks(sequence);
    return drawn;
  }

  /** One row a token that they are wanted of: 1 at the token that would be drawn, 0 elsewhere. */
  #logits({ sequence, tokens, logits = "none" }: StepChunk): number[] {
    if (logits === "none") return [];
    const history = [...this.#sequences.find(sequence).history];
    const rows = [...tokens].map((token) => {
      history.push(token);
      const row = new Array<number>(vocabularySize).fill(0);
      row[(this.#fake.next ?? hashedLetters)(history, 0)] = 1;
      return row;
    });
    return (logits === "last" ? rows.slice(-1) : rows).flat();
  }

  /** One row a token: 1 at the token's number modulo the width, 0 elsewhere. */
  #hidden(chunk: StepChunk): number[] {
    const width = this.#model.info.embedding;
    return [...chunk.tokens].flatMap((token) => Array.from({ length: width }, (_, i) => (i === token % width ? 1 : 0)));
  }

  #enter(method: string): void {
    if (this.#closed) throw new HearthError("ENGINE_CLOSED", "The engine was closed.");
    if (this.#running)
      throw new HearthError("ENGINE_BUSY", `${method} was called while a step runs, or memory changes.`);
    this.#failures.check(method);
  }
}

function checkSampler({ temperature, topP }: SamplerOptions): void {
  if (!(temperature >= 0 && temperature <= 10))
    throw new HearthError("SAMPLER_BAD_VALUE", `temperature ${temperature}`);
  if (!(topP >= 0 && topP <= 1)) throw new HearthError("SAMPLER_BAD_VALUE", `topP ${topP}`);
}
