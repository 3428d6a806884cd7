/** Prefix snapshots, which outlive the process, as the scheduler sees them: tokens and sequences, no files. */

export interface SnapshotMatch {
  /** Names the snapshot. */
  readonly id: string;
  /** How many of the prompt's tokens it spares. */
  readonly tokens: number;
  /** The room that a sequence of it takes in the KV cache. */
  readonly kvTokens: number;
}

export interface SequencePrefix {
  readonly sequence: number;
  /** The first tokens of the sequence. */
  readonly tokens: readonly number[];
}

export interface PrefixSnapshots {
  /** The snapshot that spares most of the prompt's first `limit` tokens; null: none spares any. */
  find(prompt: ArrayLike<number>, limit: number): SnapshotMatch | null;
  /** Makes a sequence of it. null when it turned out to be of no use: then it is not found again. */
  restore(match: SnapshotMatch): Promise<{ readonly sequence: number; readonly tokens: number[] } | null>;
  /** Whether a snapshot of these tokens is to be written: they are long enough, and not there already. */
  wants(tokens: ArrayLike<number>): boolean;
  /**
   * Writes a snapshot. To be called while no step runs; the work goes on beside steps. `isUnchanged`: no step ran since the call.
   * Never rejects.
   */
  save(prefix: SequencePrefix, isUnchanged: () => boolean): Promise<void>;
}

export interface SnapshotPolicyOptions {
  /** How long no client may have asked for anything before snapshots are written. */
  readonly idleMs: number;
  /** The least gain of restoring a snapshot: it has to spare so many tokens more than the KV cache in memory does. */
  readonly minTokens: number;
}

export const defaultSnapshotPolicy: SnapshotPolicyOptions = { idleMs: 30_000, minTokens: 256 };
