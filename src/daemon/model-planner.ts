/**
 * Plans a model's memory and speed on this machine: what the commands `plan` and `models pull` say and what `serve` makes its engine
 * with. Measures what nobody measured before; what follows from it is service/plan/'s.
 */
import type { Config } from "../config/options.js";
import type { EngineModule, FileHead, MemoryPlan, ModelFileInfo, ModelMemoryPlan } from "../engine/contract.js";
import { proposals, quantizationWithin, type SmallerFile } from "../service/plan/advice.js";
import { type Prediction, predict, type Speeds } from "../service/plan/predict.js";
import {
  choose,
  fits,
  neededBytes,
  type Sizes,
  smallerAndSmaller,
  type Wish,
  withSizes,
} from "../service/plan/sizes.js";
import type { MachineTuner } from "./machine-tuner.js";
import { engineOptions } from "./model-options.js";

export interface PlanInput {
  /** Memory of the whole process; 0: as configured, or what the machine leaves. */
  readonly memoryBytes: number;
  /** The process that is planned for: this one, or a daemon that is to be started. */
  readonly process: "this" | "daemon";
  readonly wish: Wish;
}

export interface PlannedModel {
  readonly model: ModelFileInfo;
  /** With no longer context than the model was trained for. */
  readonly wish: Wish;
  /** The sizes that were chosen: those of the wish, or smaller ones. */
  readonly sizes: Sizes;
  readonly memory: MemoryPlan;
  readonly fits: boolean;
  /** Settings with which it would fit; empty where it does. */
  readonly fitting: readonly string[];
  /** A quantization whose weights would all be in memory; null where they are, or none is small enough. */
  readonly smallerFile: SmallerFile | null;
}

/** The speeds of a plan, and how the disk's was measured. */
export interface MeasuredSpeeds extends Speeds {
  /** The file that was read; null: none, since nothing is streamed or none can be read. */
  readonly diskFile: string | null;
}

/** A daemon's own memory that no file backs, with a model's vocabulary: as `RssAnon` of /proc shows it when the engine starts. */
const daemonBytes = { base: 44_000_000, token: 45 };
/** Kinds of weights that hold less than this share are as fast as others, for all that matters. */
const leastShare = 1 / 64;
const diskMs = 600;
/** More than any model takes. */
const unlimitedBytes = 2 ** 50;

export class ModelPlanner {
  readonly #config: Config;
  readonly #engineModule: EngineModule;
  readonly #tuner: Pick<MachineTuner, "findSpeed" | "measureSpeeds">;

  constructor(config: Config, engineModule: EngineModule, tuner: Pick<MachineTuner, "findSpeed" | "measureSpeeds">) {
    this.#config = config;
    this.#engineModule = engineModule;
    this.#tuner = tuner;
  }

  /** `heads`: of all files of the model. GGUF_, MODEL_ and option codes: it cannot run. */
  async plan(heads: readonly FileHead[], input: PlanInput): Promise<PlannedModel> {
    const { fixed: _, ...wished } = input.wish;
    const first = await this.#planAll(heads, input, [wished], 0);
    const processBytes = input.process === "this" ? 0 : daemonBytes.base + daemonBytes.token * first.tokens;
    const all = smallerAndSmaller(input.wish, first.plans[0]?.mayBeQ8 ?? false);
    const planned = await this.#planAll(heads, input, all, processBytes);
    const chosen = choose(planned.plans);
    const memory = planned.plans[chosen];
    const sizes = all[chosen];
    if (!memory || !sizes) throw new RangeError("A plan was asked for and none was made.");
    const isFitting = fits(memory);
    const besideWeights = memory.kvBytes + memory.prefixBytes + memory.scratchBytes;
    return {
      model: planned.model,
      wish: { ...input.wish, contextTokens: Math.min(input.wish.contextTokens, planned.model.contextTrained) },
      sizes,
      memory,
      fits: isFitting,
      fitting: isFitting ? [] : await this.#fitting(heads, input, planned, processBytes),
      smallerFile: quantizationWithin(planned, memory.weightBytes, memory.budgetBytes - besideWeights),
    };
  }

  /** All that a single conversation of each length takes, with all weights in memory. As `plan` for the rest. */
  async conversationBytes(heads: readonly FileHead[], contexts: readonly number[]): Promise<number[]> {
    const kvType = this.#config["kv.type"];
    const sizes = contexts.map((contextTokens) => ({ contextTokens, slots: 1, kvType, prefixBytes: 0, kvTokens: 0 }));
    const input = { memoryBytes: unlimitedBytes, process: "daemon" } as const;
    const { plans } = await this.#planAll(heads, input, sizes, 1);
    return plans.map(neededBytes);
  }

  /** Speeds that were measured before; none is measured. */
  knownSpeeds(memory: MemoryPlan, diskBytesPerSecond: number | null = null): Speeds {
    const weights = kindsThatCount(memory).flatMap((kind) => this.#tuner.findSpeed(kind) ?? []);
    return { diskBytesPerSecond, weights };
  }

  /** Measures the disk, where the plan reads it, and kinds of weights that were never measured. What the engine throws. */
  async measureSpeeds(memory: MemoryPlan, diskFile: string | null): Promise<MeasuredSpeeds> {
    const streams = memory.streamedBytes > 0 && diskFile !== null;
    const diskBytesPerSecond = streams ? await this.#engineModule.measureReading(diskFile, diskMs) : null;
    const unknown = kindsThatCount(memory).filter((kind) => this.#tuner.findSpeed(kind) === null);
    const measured = unknown.length > 0 ? await this.#tuner.measureSpeeds(unknown) : [];
    const known = this.knownSpeeds(memory);
    const isKnown = (type: string, rowLength: number) =>
      known.weights.some((speed) => speed.type === type && speed.rowLength === rowLength);
    const others = measured.filter(({ type, rowLength }) => !isKnown(type, rowLength)); // which could not be stored
    return { diskBytesPerSecond, diskFile: streams ? diskFile : null, weights: [...known.weights, ...others] };
  }

  predict(memory: MemoryPlan, speeds: Speeds): Prediction {
    return predict(memory, speeds);
  }

  /** The proposals that fit, the first of each kind. */
  async #fitting(
    heads: readonly FileHead[],
    input: PlanInput,
    { model, plans }: ModelMemoryPlan,
    processBytes: number,
  ): Promise<string[]> {
    const all = proposals(input.wish, model.contextTrained, plans[0]?.mayBeQ8 ?? false);
    const planned = await this.#planAll(
      heads,
      input,
      all.map(({ sizes }) => sizes),
      processBytes,
    );
    const words = all.flatMap((proposal, i) => {
      const plan = planned.plans[i];
      return plan && fits(plan) ? [proposal.words] : [];
    });
    const kindOf = (text: string) => (text.includes(",") ? "several" : text.split(" ")[0]);
    const firsts = words.filter((text, i) => words.findIndex((other) => kindOf(other) === kindOf(text)) === i);
    // Together with others only where nothing helps alone.
    return firsts.length > 1 ? firsts.filter((text) => !text.includes(",")) : firsts;
  }

  #planAll(
    heads: readonly FileHead[],
    { memoryBytes, process }: Omit<PlanInput, "wish">,
    sizes: readonly Sizes[],
    processBytes: number,
  ): Promise<ModelMemoryPlan> {
    const engine = engineOptions(this.#config);
    const memory = memoryBytes || this.#config["memory.budget_bytes"];
    const requests = sizes.map((each) => ({
      engine: { ...withSizes(engine, each), memoryBudget: memory },
      memoryBytes: memory,
      processBytes: process === "this" ? 0 : processBytes,
    }));
    return this.#engineModule.planMemory(heads, requests);
  }
}

function kindsThatCount({ matmuls }: MemoryPlan) {
  const total = matmuls.reduce((sum, { bytes, expertBytes }) => sum + bytes + expertBytes, 0);
  return matmuls.filter(({ bytes, expertBytes }) => bytes + expertBytes >= leastShare * total);
}
