/** One model's prefix snapshots on disk: finds them by tokens, has the engine write and read them, and forgets damaged ones. */
import { HearthError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Engine, ModelInfo, SnapshotInfo } from "../engine/contract.js";
import { greedySampler } from "../engine/greedy.js";
import type { PrefixSnapshots, SequencePrefix, SnapshotMatch } from "../scheduler/prefix-snapshots.js";
import { commonPrefix } from "../scheduler/slot-placement.js";
import type { SnapshotFiles } from "../store/snapshot-files.js";
import type { SnapshotMetrics } from "./snapshot-metrics.js";

export interface DiskSnapshotsDependencies {
  readonly files: SnapshotFiles;
  readonly logger: Logger;
  readonly metrics: SnapshotMetrics;
}

/** Shorter ones are read again sooner than found. */
const minTokens = 64;

export class DiskSnapshots implements PrefixSnapshots {
  readonly #engine: Engine;
  readonly #info: ModelInfo;
  readonly #identity: string;
  readonly #minTokens: number;
  readonly #dependencies: DiskSnapshotsDependencies;
  /** By the file's name. */
  readonly #snapshots = new Map<string, SnapshotInfo>();

  private constructor(
    engine: Engine,
    info: ModelInfo,
    identity: string,
    wantedTokens: number,
    dependencies: DiskSnapshotsDependencies,
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
    dependencies: DiskSnapshotsDependencies,
  ): Promise<DiskSnapshots> {
    const opened = new DiskSnapshots(engine, info, await engine.identify(), wantedTokens, dependencies);
    for (const name of dependencies.files.list(opened.#identity)) await opened.#describe(name);
    return opened;
  }

  find(prompt: ArrayLike<number>, limit: number): SnapshotMatch | null {
    let best: SnapshotMatch | null = null;
    for (const [id, { tokens, resumable }] of this.#snapshots) {
      if (!this.#dependencies.files.has(id)) continue; // it made room for another one
      const shared = commonPrefix(tokens, prompt, limit);
      const spared = resumable ? (resumable.findLast((length) => length <= shared) ?? 0) : shared;
      if (spared > (best?.tokens ?? 0)) best = { id, tokens: spared, kvTokens: spared };
    }
    return best;
  }

  async restore({ id, tokens }: SnapshotMatch): Promise<{ sequence: number; tokens: number[] } | null> {
    const { files } = this.#dependencies;
    const info = this.#snapshots.get(id);
    if (!info) return null;
    try {
      const sequence = await this.#engine.restoreSnapshot(files.pathOf(id), this.#key, tokens, greedySampler);
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

  async save({ sequence, tokens }: SequencePrefix, isUnchanged: () => boolean): Promise<void> {
    const { files, logger, metrics } = this.#dependencies;
    try {
      const length = this.#engine.resumableTokens(sequence, tokens.length);
      const name = files.nameFor(this.#identity, Int32Array.from(tokens.slice(0, length)));
      const { perToken, perSequence } = this.#info.kvBytes[this.#engine.options.kvType ?? "f16"];
      const expected = perToken * length + perSequence;
      if (length < this.#minTokens || !(await files.allow(expected))) return;
      // From here on the engine holds what the sequence has, so that nothing may have come between.
      const info = isUnchanged()
        ? await this.#engine.saveSnapshot(sequence, length, files.pathOf(name), this.#key)
        : null;
      await files.added(info ? name : null, { bytes: info?.fileBytes ?? 0, allowed: expected });
      if (!info) return;
      this.#snapshots.set(name, info);
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
      this.#snapshots.set(name, await this.#engine.describeSnapshot(files.pathOf(name), this.#key));
    } catch (error) {
      await this.#giveUp(name, error);
    }
  }

  /** A file that cannot be read is not tried again: the prompt is read anew. */
  async #giveUp(name: string, error: unknown): Promise<void> {
    const { files, logger, metrics } = this.#dependencies;
    const code = error instanceof HearthError ? error.code : null;
    if (code === "KV_FULL" || code === "ENGINE_CLOSED") return; // the file is good
    this.#snapshots.delete(name);
    await files.remove(name);
    metrics.damaged.inc();
    logger.warn({ file: files.pathOf(name), err: error }, "a stored prefix cannot be used and was removed");
  }

  /** Files whose every use the new one has too. */
  async #removeCovered(name: string, { tokens, resumable }: SnapshotInfo): Promise<void> {
    for (const [other, { tokens: shorter, resumable: points }] of this.#snapshots) {
      const isPrefix = other !== name && commonPrefix(shorter, tokens, shorter.length) === shorter.length;
      if (!isPrefix || (points && !points.every((point) => resumable?.includes(point)))) continue;
      this.#snapshots.delete(other);
      await this.#dependencies.files.remove(other);
    }
  }
}
