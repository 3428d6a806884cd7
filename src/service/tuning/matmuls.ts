/**
 * Finds how each kind of a model's matrices is multiplied fastest on this machine: with which kernels, in which order of reading
 * and how far ahead. Measured, because processors of one family differ by half. The result of a product is the same in every
 * way. It must not know where results are kept.
 */
import type { EngineModule, MatmulChoice, MatmulKind, Model } from "../../engine/contract.js";
import type { TuneOptions } from "./threads.js";

/** The ways that a measurement chooses among; the first of them is the usual one. */
export interface MatmulOptions extends TuneOptions {
  readonly ways: readonly string[];
  /** 0: one per physical core. */
  readonly threads: number;
  readonly now: () => number;
}

export interface ChosenWay {
  readonly way: string;
  /** Weights read a second. */
  readonly bytesPerSecond: number;
  /** In the usual way. */
  readonly usualBytesPerSecond: number;
}

export interface MatmulRow extends MatmulKind {
  readonly one: ChosenWay;
  readonly few: ChosenWay;
  readonly many: ChosenWay;
}

/** The usual way stays unless another one is faster by more than this. */
const goodEnough = 0.97;
/** The columns that stand for a token of an answer, the tokens of some answers, and a piece of a prompt. */
const columns = { one: 1, few: 4, many: 32 } as const;
/** Every way is measured so often, in turn, so that a disturbance meets all of them: more often while there is time. */
const rounds = { least: 3, most: 9 };
/** The parts of the three seconds that all may take. */
const shareMs = { one: 1400, few: 500, many: 500 };

/** Takes up to three seconds, and on a machine that reads the weights from a disk first, as long as that takes. */
export async function tuneMatmuls(
  engineModule: EngineModule,
  model: Model,
  options: MatmulOptions,
): Promise<readonly MatmulRow[]> {
  const { ways, onProgress = () => {} } = options;
  const [usual = ""] = ways;
  const measureWith = (count: keyof typeof columns, some: readonly string[]) =>
    new Measurement(engineModule, model, options, count).run(some);
  await new Measurement(engineModule, model, options, "one").trial(usual); // brings weights into memory
  onProgress(0.1);
  const one = await measureWith("one", ways);
  onProgress(0.6);
  const sets = [...new Set(ways.map(setOf))];
  // With several columns a set reads in the way that it has with one.
  const bestOf = (kind: string, set: string) => {
    const waysOfSet = ways.filter((way) => setOf(way) === set);
    return one.choose(kind, waysOfSet, waysOfSet[0] ?? usual).way;
  };
  const few = await measureWith("few", unique(one.kinds.flatMap((kind) => sets.map((set) => bestOf(kind, set)))));
  onProgress(0.8);
  const firstOf = sets.map((set) => ways.find((way) => setOf(way) === set) ?? usual);
  const many = await measureWith("many", firstOf);
  onProgress(1);
  return one.kinds.map((kind) => {
    const candidates = unique(sets.map((set) => bestOf(kind, set)));
    return {
      ...kindOf(kind),
      one: one.choose(kind, ways, usual),
      few: few.choose(kind, candidates, bestOf(kind, setOf(usual))),
      many: many.choose(kind, firstOf, usual),
    };
  });
}

export function choicesOf(rows: readonly MatmulRow[]): MatmulChoice[] {
  return rows.map(({ type, rowLength, one, few, many }) => ({
    type,
    rowLength,
    one: one.way,
    few: few.way,
    many: many.way,
  }));
}

/** For the log: what answers, several answers and prompts are multiplied with. */
export function describeChoice({ type, rowLength, one, few, many }: MatmulChoice): string {
  return `${type}, ${rowLength} a row: ${one}, ${few}, ${many}`;
}

/** The choices for these kinds; null where a kind has none. */
export function choicesFor(kinds: readonly MatmulKind[], choices: readonly MatmulChoice[]): MatmulChoice[] | null {
  const found = kinds.map((kind) => choices.find((choice) => nameOf(choice) === nameOf(kind)));
  return found.every((choice) => choice !== undefined) ? found : null;
}

const unique = (names: readonly string[]) => [...new Set(names)];
/** `avx2` of `avx2:streams:256`. */
const setOf = (way: string) => way.split(":", 1)[0] ?? "";

const nameOf = ({ type, rowLength }: MatmulKind) => `${type} ${rowLength}`;
function kindOf(name: string): MatmulKind {
  const [type = "", rowLength] = name.split(" ");
  return { type, rowLength: Number(rowLength) };
}

/** Speeds with one number of columns, of each kind in each way. */
class Measurement {
  readonly #engineModule: EngineModule;
  readonly #model: Model;
  readonly #options: MatmulOptions;
  readonly #count: keyof typeof columns;
  /** By kind, then by way. */
  readonly #speeds = new Map<string, Map<string, number[]>>();

  constructor(engineModule: EngineModule, model: Model, options: MatmulOptions, count: keyof typeof columns) {
    this.#engineModule = engineModule;
    this.#model = model;
    this.#options = options;
    this.#count = count;
  }

  get kinds(): string[] {
    return [...this.#speeds.keys()];
  }

  async run(ways: readonly string[]): Promise<this> {
    const { now } = this.#options;
    const startedAt = now();
    for (let round = 0; round < rounds.most; round++) {
      if (round >= rounds.least && now() - startedAt > shareMs[this.#count]) break;
      for (const way of ways) await this.trial(way);
    }
    return this;
  }

  async trial(way: string): Promise<void> {
    const { signal, threads } = this.#options;
    signal?.throwIfAborted();
    const trial = { way, columns: columns[this.#count], threads };
    for (const { bytesPerSecond, ...kind } of await this.#engineModule.measureMatmul(this.#model, trial)) {
      const name = nameOf(kind);
      const ofKind = this.#speeds.get(name) ?? new Map<string, number[]>();
      this.#speeds.set(name, ofKind.set(way, [...(ofKind.get(way) ?? []), bytesPerSecond]));
    }
  }

  best(kind: string, ways: readonly string[]): string {
    return ways.reduce((a, b) => (this.#speed(kind, b) > this.#speed(kind, a) ? b : a));
  }

  choose(kind: string, ways: readonly string[], usual: string): ChosenWay {
    const best = this.best(kind, ways);
    const usualBytesPerSecond = this.#speed(kind, usual);
    const way = usualBytesPerSecond >= goodEnough * this.#speed(kind, best) ? usual : best;
    return { way, bytesPerSecond: this.#speed(kind, way), usualBytesPerSecond };
  }

  /** The median: what else the machine did meets some trials, not most. */
  #speed(kind: string, way: string): number {
    const speeds = this.#speeds.get(kind)?.get(way) ?? [];
    return [...speeds].sort((a, b) => a - b)[speeds.length >> 1] ?? 0;
  }
}
