/**
 * The requests that wait for a slot, in the order in which they get one: the more urgent first, and among equals fair queueing
 * by the work that each client asks for (Demers, Keshav and Shenker 1989): a client with many requests waits behind one with
 * few, and a long prompt behind a short one, but not for ever. Pure: no clock, no engine.
 */
import { anybody, type Demand, priorities } from "../base/demand.js";

export interface Waiting {
  readonly request: {
    readonly prompt: { readonly length: number };
    readonly maxTokens: number;
    readonly demand?: Demand | undefined;
  };
}

interface Entry<T> {
  readonly job: T;
  readonly rank: number;
  /** The virtual time at which its work begins, and at which it would be done. */
  readonly start: number;
  readonly finish: number;
}

/** The tokens of an answer that count, since most end long before their limit. */
const countedAnswerTokens = 256;
/** Clients whose last work is remembered. */
const maxAccounts = 1024;

export class FairQueue<T extends Waiting> {
  /** Jobs that lost their slot, the newest first; the others follow in order. */
  readonly #returned: T[] = [];
  readonly #entries: Entry<T>[] = [];
  /** The virtual time of each priority: where the work of the job that was taken last began. */
  readonly #now = priorities.map(() => 0);
  /** The virtual time at which the work ends that a client has asked for, by priority and client. */
  readonly #ends = new Map<string, number>();

  get length(): number {
    return this.#returned.length + this.#entries.length;
  }

  push(job: T): void {
    const { prompt, maxTokens, demand: { client, priority } = anybody } = job.request;
    const rank = priorities.indexOf(priority);
    const account = `${rank} ${client}`;
    const start = Math.max(this.#now[rank] ?? 0, this.#ends.get(account) ?? 0);
    const finish = start + prompt.length + Math.min(maxTokens, countedAnswerTokens);
    this.#remember(account, finish);
    const entry = { job, rank, start, finish };
    const after = this.#entries.findIndex(
      (other) => other.rank > entry.rank || (other.rank === entry.rank && other.finish > entry.finish),
    );
    this.#entries.splice(after < 0 ? this.#entries.length : after, 0, entry);
  }

  /** A job that had a slot and lost it comes before all others. */
  putBack(job: T): void {
    this.#returned.unshift(job);
  }

  /** Takes a job out, as the one that gets a slot or that nobody wants any more. False when it does not wait. */
  remove(job: T): boolean {
    const returned = this.#returned.indexOf(job);
    if (returned >= 0) this.#returned.splice(returned, 1);
    const at = this.#entries.findIndex((entry) => entry.job === job);
    const [entry] = at < 0 ? [] : this.#entries.splice(at, 1);
    if (entry) this.#now[entry.rank] = Math.max(this.#now[entry.rank] ?? 0, entry.start);
    return returned >= 0 || entry !== undefined;
  }

  /** Takes all out. */
  clear(): T[] {
    const all = [...this];
    this.#returned.length = 0;
    this.#entries.length = 0;
    return all;
  }

  *[Symbol.iterator](): Generator<T> {
    yield* this.#returned;
    for (const { job } of this.#entries) yield job;
  }

  #remember(account: string, end: number): void {
    this.#ends.set(account, end);
    if (this.#ends.size <= maxAccounts) return;
    // Work that is behind the present changes nothing; of the rest the oldest is forgotten.
    for (const [key, at] of this.#ends) if (at <= (this.#now[Number(key[0])] ?? 0)) this.#ends.delete(key);
    for (const key of this.#ends.keys()) {
      if (this.#ends.size <= maxAccounts) break;
      this.#ends.delete(key);
    }
  }
}
