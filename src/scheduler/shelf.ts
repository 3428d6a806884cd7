/** Where prefixes are kept that outlive the process, as the scheduler sees it: tokens and sequences, no files. */

export interface ShelfMatch {
  /** Names the stored prefix. */
  readonly id: string;
  /** How many of the prompt's tokens it spares. */
  readonly tokens: number;
  /** What a sequence of it takes in the KV cache. */
  readonly kvTokens: number;
}

export interface ShelfPrefix {
  readonly sequence: number;
  /** The first tokens of the sequence. */
  readonly tokens: readonly number[];
}

export interface PrefixShelf {
  /** The stored prefix that spares most of the prompt's first `limit` tokens; null: none spares any. */
  find(prompt: ArrayLike<number>, limit: number): ShelfMatch | null;
  /** Makes a sequence of it. null when it turned out to be of no use, which it is not found again for then. */
  restore(match: ShelfMatch): Promise<{ readonly sequence: number; readonly tokens: number[] } | null>;
  /** Whether these tokens are to be written: long enough, and not there already. */
  wants(tokens: ArrayLike<number>): boolean;
  /**
   * Writes a prefix. To be called while no step runs; the work goes on beside steps. `isUnchanged`: no step ran since the call.
   * Never rejects.
   */
  save(prefix: ShelfPrefix, isUnchanged: () => boolean): Promise<void>;
}

export interface KeeperOptions {
  /** How long nobody may have asked for anything before prefixes are written. */
  readonly idleMs: number;
  /** What is worth the trouble: reading a prefix back has to spare so many tokens more than what is in memory. */
  readonly minTokens: number;
}

export const defaultKeeperOptions: KeeperOptions = { idleMs: 30_000, minTokens: 256 };
