/** The sequences of the fake engine, and the blocks of the KV cache that they take and share: by the rules of the real one. */
import { HearthError } from "../../src/base/errors.js";
import type { EngineOptions, StepPlan } from "../../src/engine/contract.js";
import { checkToken } from "./model.js";

const kvBlockTokens = 16;

interface KvBlock {
  sequences: number; // that share it
}

export interface FakeSequence {
  history: number[];
  blocks: KvBlock[];
  /** The last drawn token; a chunk that is just this token goes on with the answer. */
  drawn: number;
  answered: number;
}

export class FakeSequences {
  readonly #options: EngineOptions;
  readonly #resumeEvery: number;
  readonly #sequences = new Map<number, FakeSequence>();
  #last = 0;
  #usedBlocks = 0;

  /** Sequences go on only from their end and from multiples of `resumeEvery`. */
  constructor(options: EngineOptions, resumeEvery: number) {
    this.#options = options;
    this.#resumeEvery = resumeEvery;
  }

  get size(): number {
    return this.#sequences.size;
  }

  get freeTokens(): number {
    return this.#options.kvTokens - this.#usedBlocks * kvBlockTokens;
  }

  open(): number {
    return this.#add([], []);
  }

  fork(source: number, tokens: number): number {
    const from = this.find(source);
    const length = this.resumable(from, tokens);
    const shared = from.blocks.slice(0, Math.floor(length / kvBlockTokens));
    const ownBlocks = length % kvBlockTokens === 0 ? 0 : 1;
    this.#takeBlocks(ownBlocks);
    for (const block of shared) block.sequences++;
    return this.#add(from.history.slice(0, length), ownBlocks ? [...shared, { sequences: 1 }] : shared);
  }

  /** A sequence that was read from elsewhere. */
  adopt(history: number[]): number {
    const blocks = Array.from({ length: Math.ceil(history.length / kvBlockTokens) }, () => ({ sequences: 1 }));
    this.#takeBlocks(blocks.length);
    return this.#add(history, blocks);
  }

  truncate(sequence: number, tokens: number): void {
    const found = this.find(sequence);
    found.history.length = this.resumable(found, tokens);
    found.drawn = -1;
    this.dropSpareBlocks(found);
  }

  close(sequence: number): void {
    this.#dropBlocks(this.find(sequence).blocks);
    this.#sequences.delete(sequence);
  }

  clear(): void {
    this.#sequences.clear();
    this.#usedBlocks = 0;
  }

  find(sequence: number): FakeSequence {
    const found = this.#sequences.get(sequence);
    if (!found) throw new HearthError("SEQUENCE_UNKNOWN", `Sequence ${sequence} is not open.`);
    return found;
  }

  /** How many of its first `tokens` tokens the sequence can go on from. */
  resumable({ history }: FakeSequence, tokens: number): number {
    if (!Number.isInteger(tokens) || tokens < 0 || tokens > history.length) {
      throw new HearthError("OPTION_OUT_OF_RANGE", `${tokens} is not within 0 to ${history.length} tokens.`);
    }
    return tokens === history.length ? tokens : tokens - (tokens % this.#resumeEvery);
  }

  /** Takes the KV blocks that the step needs, so that a plan that does not fit, or is none, changes nothing. */
  reserve(plan: StepPlan): void {
    const seen = new Set<number>();
    let needed = 0;
    let total = 0;
    for (const { sequence, tokens, sample, drafts = 0, logits = "none", hidden } of plan.chunks) {
      if (hidden && (sample || logits !== "none"))
        throw new HearthError("PLAN_INVALID", "Hidden states come without logits.");
      if (drafts > 0 && logits === "last")
        throw new HearthError("PLAN_INVALID", "Any of the drafts may be the last that is kept.");
      if (tokens.length === 0 || seen.has(sequence))
        throw new HearthError("PLAN_INVALID", "A chunk is empty or double.");
      if (drafts >= tokens.length || (drafts > 0 && !sample))
        throw new HearthError("PLAN_INVALID", "A chunk has more drafts than tokens to follow.");
      seen.add(sequence);
      total += tokens.length;
      for (const token of tokens) checkToken(token);
      const { history, blocks } = this.find(sequence);
      const length = history.length + tokens.length;
      if (length > this.#options.contextTokens) {
        throw new HearthError("CONTEXT_OVERFLOW", `${length} tokens exceed ${this.#options.contextTokens}.`);
      }
      needed += Math.ceil(length / kvBlockTokens) - blocks.length;
    }
    if (plan.chunks.length === 0 || plan.chunks.length > this.#options.maxSequences)
      throw new HearthError("PLAN_INVALID", `The plan has ${plan.chunks.length} chunks.`);
    if (total > this.#options.maxBatchTokens) throw new HearthError("PLAN_INVALID", `${total} tokens in one step.`);
    this.#takeBlocks(needed);
    for (const { sequence, tokens } of plan.chunks) {
      const { history, blocks } = this.find(sequence);
      while (blocks.length * kvBlockTokens < history.length + tokens.length) blocks.push({ sequences: 1 });
    }
  }

  #takeBlocks(blocks: number): void {
    if (blocks * kvBlockTokens > this.freeTokens) {
      throw new HearthError("KV_FULL", `${blocks} KV blocks are needed and ${this.freeTokens} tokens are free.`);
    }
    this.#usedBlocks += blocks;
  }

  dropSpareBlocks({ history, blocks }: FakeSequence): void {
    this.#dropBlocks(blocks.splice(Math.ceil(history.length / kvBlockTokens)));
  }

  #dropBlocks(blocks: readonly KvBlock[]): void {
    for (const block of blocks) {
      block.sequences--;
      if (block.sequences === 0) this.#usedBlocks--;
    }
  }

  #add(history: number[], blocks: KvBlock[]): number {
    const most = this.#options.maxSequences + (this.#options.prefixSequences ?? 0);
    if (this.#sequences.size >= most) {
      this.#dropBlocks(blocks);
      throw new HearthError("KV_FULL", `All ${most} sequences are open.`);
    }
    this.#sequences.set(++this.#last, { history, blocks, drawn: -1, answered: 0 });
    return this.#last;
  }
}
