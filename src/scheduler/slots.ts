/**
 * The slots: each holds one engine sequence and what it has in the KV cache, also after its job is done, so that the same
 * prefix is not read twice. There are more of them than may be busy: the others keep prefixes of earlier jobs. Only called
 * between steps. It must not know of queues or time.
 */
import { HearthError } from "../base/errors.js";
import type { Engine } from "../engine/contract.js";
import type { Job } from "./job.js";
import type { SequencePrefix } from "./prefix-snapshots.js";
import { cheapestToLose, commonPrefix, type PrefixSlot, place } from "./slot-placement.js";

export class Slot implements PrefixSlot {
  readonly index: number;
  /** In the engine; null when none is open. */
  sequence: number | null = null;
  /** In the KV cache, in order. */
  tokens: number[] = [];
  job: Job | null = null;
  /** A snapshot is being restored into it. */
  loading = false;
  cacheKey: string | null = null;
  lastUsed = 0;
  pinned = false;
  /** So many of its first tokens were of use to a second request. */
  provenTokens = 0;
  /** These were written to disk, or were not worth it. */
  saved = false;
  readonly #engine: Engine;

  constructor(index: number, engine: Engine) {
    this.index = index;
    this.#engine = engine;
  }

  get busy(): boolean {
    return this.job !== null || this.loading;
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
    const { maxSequences, prefixSequences = 0 } = engine.options;
    this.#slots = Array.from({ length: maxSequences + prefixSequences }, (_, index) => new Slot(index, engine));
  }

  get busy(): BusySlot[] {
    return this.#slots.filter((slot): slot is BusySlot => slot.job !== null && slot.sequence !== null);
  }

  /** Requests that may be admitted. */
  get vacancies(): number {
    return Math.min(this.#engine.options.maxSequences - this.busy.length, this.#idle.length);
  }

  get #idle(): Slot[] {
    return this.#slots.filter((slot) => !slot.busy);
  }

  /** Idle prefixes that were of use more than once, and again since they were saved: the pinned first, then the one used last. */
  get unsaved(): SequencePrefix[] {
    return this.#idle
      .filter(
        (slot): slot is Slot & { sequence: number } => slot.sequence !== null && slot.provenTokens > 0 && !slot.saved,
      )
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.lastUsed - a.lastUsed)
      .map(({ sequence, provenTokens, tokens }) => ({ sequence, tokens: tokens.slice(0, provenTokens) }));
  }

  /** The content of idle slots: tokens that no second request asked for yet, and those that one did, or that the owner wants kept. */
  get idleTokens(): { readonly idleTokens: number; readonly prefixTokens: number } {
    const sum = (slots: readonly Slot[]) => slots.reduce((tokens, slot) => tokens + slot.tokens.length, 0);
    return {
      idleTokens: sum(this.#idle.filter((slot) => !isPrefix(slot))),
      prefixTokens: sum(this.#idle.filter(isPrefix)),
    };
  }

  /** Evicts what idle slots hold; `prefixesToo`: also what proved its use. */
  evictIdle(prefixesToo: boolean): void {
    for (const slot of this.#idle) if (prefixesToo || !isPrefix(slot)) this.evict(slot);
  }

  markSaved(sequence: number): void {
    for (const slot of this.#slots) if (slot.sequence === sequence) slot.saved = true;
  }

  /**
   * Gives the job a slot with as much of its history in the KV cache as some slot has. There has to be a vacancy; it stays so
   * when this throws what the engine throws.
   */
  admit(job: Job): BusySlot {
    const { request, history } = job;
    const placement = place(this.#slots, history, job.reusableTokens, request.cacheKey);
    const slot = placement && this.#slots[placement.slot];
    if (!placement || !slot) throw new HearthError("INTERNAL", "A request was admitted without an idle slot.");
    const source = placement.source === null ? null : (this.#slots[placement.source] ?? null);
    const sequence =
      source === slot && slot.sequence !== null
        ? this.#rewind(slot, slot.sequence, placement.shared, job)
        : this.#open(slot, source, placement.shared, job);
    slot.provenTokens = slot.tokens.length;
    slot.saved = false;
    if (source && source !== slot) {
      source.provenTokens = Math.max(source.provenTokens, slot.tokens.length);
      source.saved = false;
    }
    slot.cacheKey = request.cacheKey;
    slot.pinned = request.pinned ?? false;
    return Object.assign(slot, { job, sequence });
  }

  /** Whether another job is about to read at least `minTokens` tokens that this one would have to read too. */
  isBeingRead(job: Job, minTokens: number): boolean {
    return this.busy.some((slot) => {
      const { job: other, tokens } = slot;
      if (other.phase !== "prefill" || other.pooling) return false;
      const shared = commonPrefix(other.history, job.history, job.reusableTokens);
      return tokens.length < shared && shared - this.mostReusable(job, slot) >= minTokens;
    });
  }

  /** The most tokens of the job's history that some slot but one can go on from. */
  mostReusable(job: Job, without: Slot | null = null): number {
    const kept = this.#slots.map((slot) => {
      if (slot === without) return 0;
      const shared = commonPrefix(slot.tokens, job.history, job.reusableTokens);
      return shared === 0 ? 0 : slot.resumable(shared);
    });
    return Math.max(0, ...kept);
  }

  /** The slot keeps its sequence for the next request with the same prefix. */
  release(slot: Slot): void {
    if (slot.pinned) slot.provenTokens = slot.tokens.length;
    slot.job = null;
    slot.lastUsed = ++this.#uses;
  }

  /** Closes the slot's sequence and forgets its tokens. */
  evict(slot: Slot): void {
    const { sequence } = slot;
    slot.sequence = null;
    slot.tokens = [];
    slot.pinned = false;
    slot.provenTokens = 0;
    if (sequence !== null) this.#engine.closeSequence(sequence);
  }

  /** Frees the KV cache of the idle slot that is worth least. False when no idle slot holds any. */
  evictCheapest(): boolean {
    const holding = this.#idle.filter((slot) => slot.sequence !== null);
    if (holding.length === 0) return false;
    const slot = this.#slots[cheapestToLose(holding, this.#slots)];
    if (slot) this.evict(slot);
    return slot !== undefined;
  }

  /** An idle slot for a prefix of so many tokens, and room for them as far as idle slots can make it; null: none is idle. */
  reserve(kvTokens: number): Slot | null {
    const idle = this.#idle;
    const slot = idle.length > 0 ? this.#slots[cheapestToLose(idle, this.#slots)] : undefined;
    if (!slot) return null;
    this.evict(slot);
    slot.loading = true;
    while (this.#engine.freeKvTokens() < kvTokens && this.evictCheapest());
    return slot;
  }

  /** Ends what `reserve` began. */
  fill(slot: Slot, restored: { readonly sequence: number; readonly tokens: number[] } | null): void {
    slot.loading = false;
    slot.lastUsed = ++this.#uses;
    if (restored) Object.assign(slot, restored, { provenTokens: restored.tokens.length, saved: true });
  }

  /** Tokens that fit into the KV cache once every idle slot is evicted. */
  reclaimableTokens(): number {
    const kept: Slot[] = this.busy;
    return this.#idle.reduce((sum, slot) => {
      const shared = Math.max(0, ...kept.map(({ tokens }) => commonPrefix(tokens, slot.tokens, slot.tokens.length)));
      kept.push(slot);
      return sum + slot.tokens.length - shared;
    }, this.#engine.freeKvTokens());
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

function isPrefix(slot: Slot): boolean {
  return slot.pinned || slot.provenTokens > 0;
}
