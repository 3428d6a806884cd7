/**
 * The slots: each holds one engine sequence and what it has in the KV cache, also after its job is done, so that the same
 * prefix is not read twice. Only called between steps. It must not know of queues or time.
 */
import { HearthError } from "../base/errors.js";
import type { Engine } from "../engine/contract.js";
import type { Job } from "./job.js";
import { type PrefixSlot, place } from "./prefix.js";

export class Slot implements PrefixSlot {
  readonly index: number;
  /** In the engine; null when none is open. */
  sequence: number | null = null;
  /** In the KV cache, in order. */
  tokens: number[] = [];
  job: Job | null = null;
  cacheKey: string | null = null;
  lastUsed = 0;
  readonly #engine: Engine;

  constructor(index: number, engine: Engine) {
    this.index = index;
    this.#engine = engine;
  }

  get busy(): boolean {
    return this.job !== null;
  }

  resumable(tokens: number): number {
    return this.sequence === null ? 0 : this.#engine.resumableTokens(this.sequence, tokens);
  }
}

export interface BusySlot extends Slot {
  job: Job;
  sequence: number;
}

export class SlotTable {
  readonly #engine: Engine;
  readonly #slots: readonly Slot[];
  #uses = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#slots = Array.from({ length: engine.options.maxSequences }, (_, index) => new Slot(index, engine));
  }

  get busy(): BusySlot[] {
    return this.#slots.filter((slot): slot is BusySlot => slot.job !== null && slot.sequence !== null);
  }

  get idle(): Slot[] {
    return this.#slots.filter((slot) => !slot.busy);
  }

  /**
   * Gives the job a slot with as much of its history in the KV cache as some slot has. One has to be idle; it stays so when
   * this throws what the engine throws.
   */
  admit(job: Job): BusySlot {
    const { request, history } = job;
    const placement = place(this.#slots, history, job.reusableTokens, request.cacheKey);
    const slot = placement && this.#slots[placement.slot];
    if (!placement || !slot) throw new HearthError("INTERNAL", "A request was admitted without an idle slot.");
    const source = placement.source === null ? null : this.#slots[placement.source];
    const sequence =
      source === slot && slot.sequence !== null
        ? this.#rewind(slot, slot.sequence, placement.shared, job)
        : this.#open(slot, source ?? null, placement.shared, job);
    slot.cacheKey = request.cacheKey;
    return Object.assign(slot, { job, sequence });
  }

  /** The slot keeps its sequence for the next request with the same prefix. */
  release(slot: Slot): void {
    slot.job = null;
    slot.lastUsed = ++this.#uses;
  }

  /** Closes the slot's sequence and forgets its tokens. */
  evict(slot: Slot): void {
    const { sequence } = slot;
    slot.sequence = null;
    slot.tokens = [];
    if (sequence !== null) this.#engine.closeSequence(sequence);
  }

  /** Frees the KV cache of the idle slot that was used longest ago. False when no idle slot holds any. */
  evictLeastUsed(): boolean {
    const holding = this.idle.filter((slot) => slot.sequence !== null);
    const [first, ...others] = holding;
    if (!first) return false;
    this.evict(others.reduce((a, b) => (b.lastUsed < a.lastUsed ? b : a), first));
    return true;
  }

  /** Tokens that fit into the KV cache once every idle slot is evicted; prefixes that slots share count twice. */
  reclaimableTokens(): number {
    return this.idle.reduce((sum, slot) => sum + slot.tokens.length, this.#engine.freeKvTokens());
  }

  #rewind(slot: Slot, sequence: number, shared: number, job: Job): number {
    if (slot.tokens.length > shared) {
      this.#engine.truncateSequence(sequence, shared);
      slot.tokens.length = this.#engine.sequenceLength(sequence);
    }
    this.#engine.setSampler(sequence, job.request.sampler);
    return sequence;
  }

  #open(slot: Slot, source: Slot | null, shared: number, job: Job): number {
    this.evict(slot); // first: the engine has as many sequences as there are slots
    if (source === null || source.sequence === null) return this.#engine.openSequence(job.request.sampler);
    const sequence = this.#engine.forkSequence(source.sequence, shared, job.request.sampler);
    slot.tokens = source.tokens.slice(0, this.#engine.sequenceLength(sequence));
    return sequence;
  }
}
