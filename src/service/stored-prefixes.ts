/** One model's prefixes on disk: finds them by tokens, has the engine write and read them, and forgets those that are damaged. */
import { HearthError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Engine, ModelInfo, PrefixInfo } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";
import { commonPrefix } from "../scheduler/prefix.js";
import type { PrefixShelf, ShelfMatch, ShelfPrefix } from "../scheduler/shelf.js";
import type { PrefixFiles } from "../store/prefix-files.js";
import type { PrefixMetrics } from "./prefix-metrics.js";

export interface StoredPrefixesDependencies {
  readonly files: PrefixFiles;
  readonly logger: Logger;
  readonly metrics: PrefixMetrics;
}

/** Shorter ones are read again sooner than found. */
const minTokens = 64;

export class StoredPrefixes implements PrefixShelf {
  readonly #engine: Engine;
  readonly #info: ModelInfo;
  readonly #identity: string;
  readonly #minTokens: number;
  readonly #dependencies: StoredPrefixesDependencies;
  /** By the file's name. */
  readonly #stored = new Map<string, PrefixInfo>();

  private constructor(
    engine: Engine,
    info: ModelInfo,
    identity: string,
    wantedTokens: number,
    dependencies: StoredPrefixesDependencies,
  ) {
    this.#engine = engine;
    this.#info = info;
    this.#identity = identity;
    this.#minTokens = Math.max(minTokens, wantedTokens);
    this.#dependencies = dependencies;
  }

  /** Reads the headers of the model's files. `wantedTokens`: shorter prefixes are not worth a file. */
  static async open(
    engine: Engine,
    info: ModelInfo,
    wantedTokens: number,
    dependencies: StoredPrefixesDependencies,
  ): Promise<StoredPrefixes> {
    const opened = new StoredPrefixes(engine, info, await engine.identify(), wantedTokens, dependencies);
    for (const name of dependencies.files.list(opened.#identity)) await opened.#describe(name);
    return opened;
  }

  find(prompt: ArrayLike<number>, limit: number): ShelfMatch | null {
    let best: ShelfMatch | null = null;
    for (const [id, { tokens, resumable }] of this.#stored) {
      if (!this.#dependencies.files.has(id)) continue; // it made room for another one
      const shared = commonPrefix(tokens, prompt, limit);
      const spared = resumable ? (resumable.findLast((length) => length <= shared) ?? 0) : shared;
      if (spared > (best?.tokens ?? 0)) best = { id, tokens: spared, kvTokens: spared };
    }
    return best;
  }

  async restore({ id, tokens }: ShelfMatch): Promise<{ sequence: number; tokens: number[] } | null> {
    const { files } = this.#dependencies;
    const info = this.#stored.get(id);
    if (!info) return null;
    try {
      const sequence = await this.#engine.restorePrefix(files.pathOf(id), this.#key, tokens, greedySampler);
      files.use(id);
      return { sequence, tokens: [...info.tokens.subarray(0, this.#engine.sequenceLength(sequence))] };
    } catch (error) {
      await this.#giveUp(id, error);
      return null;
    }
  }

  wants(tokens: ArrayLike<number>): boolean {
    const there = this.find(tokens, tokens.length)?.tokens ?? 0;
    return tokens.length >= this.#minTokens && tokens.length - there >= this.#minTokens;
  }

  async save({ sequence, tokens }: ShelfPrefix, isUnchanged: () => boolean): Promise<void> {
    const { files, logger, metrics } = this.#dependencies;
    try {
      const length = this.#engine.resumableTokens(sequence, tokens.length);
      const name = files.nameFor(this.#identity, Int32Array.from(tokens.slice(0, length)));
      const { perToken, perSequence } = this.#info.kvBytes[this.#engine.options.kvType ?? "f16"];
      const expected = perToken * length + perSequence;
      if (length < this.#minTokens || !(await files.allow(expected))) return;
      // From here on the engine holds what the sequence has, so that nothing may have come between.
      const info = isUnchanged()
        ? await this.#engine.savePrefix(sequence, length, files.pathOf(name), this.#key)
        : null;
      await files.added(info ? name : null, { bytes: info?.fileBytes ?? 0, allowed: expected });
      if (!info) return;
      this.#stored.set(name, info);
      await this.#removeCovered(name, info);
      metrics.writtenBytes.inc(info.fileBytes);
      logger.info({ tokens: length, bytes: info.fileBytes }, "a prefix was stored");
    } catch (error) {
      if (error instanceof HearthError && error.code === "ENGINE_CLOSED") return;
      logger.warn({ err: error }, "a prefix could not be stored");
    }
  }

  get #key(): string {
    return this.#dependencies.files.keyOf(this.#identity);
  }

  async #describe(name: string): Promise<void> {
    try {
      const { files } = this.#dependencies;
      this.#stored.set(name, await this.#engine.describePrefix(files.pathOf(name), this.#key));
    } catch (error) {
      await this.#giveUp(name, error);
    }
  }

  /** What cannot be read is not tried again: the prompt is read anew. */
  async #giveUp(name: string, error: unknown): Promise<void> {
    const { files, logger, metrics } = this.#dependencies;
    const code = error instanceof HearthError ? error.code : null;
    if (code === "KV_FULL" || code === "ENGINE_CLOSED") return; // the file is good
    this.#stored.delete(name);
    await files.remove(name);
    metrics.damaged.inc();
    logger.warn({ file: files.pathOf(name), err: error }, "a stored prefix cannot be used and was removed");
  }

  /** Files whose every use the new one has too. */
  async #removeCovered(name: string, { tokens, resumable }: PrefixInfo): Promise<void> {
    for (const [other, { tokens: shorter, resumable: points }] of this.#stored) {
      const isPrefix = other !== name && commonPrefix(shorter, tokens, shorter.length) === shorter.length;
      if (!isPrefix || (points && !points.every((point) => resumable?.includes(point)))) continue;
      this.#stored.delete(other);
      await this.#dependencies.files.remove(other);
    }
  }
}
