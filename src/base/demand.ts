/** Demand is a request's place among others: its client, its priority, and how long it may wait. */

/** Most urgent first. */
export const priorities = ["high", "default", "low"] as const;
export type Priority = (typeof priorities)[number];

export interface Demand {
  /** Whose share of the server the request counts to. */
  readonly client: string;
  /** The client's name for people: its key's, or its address. */
  readonly name?: string;
  readonly priority: Priority;
  /** How long it may wait for a slot; null: as long as the configuration says. */
  readonly maxQueueMs: number | null;
}

/** The demand of a request that says nothing of it. */
export const anybody: Demand = { client: "", priority: "default", maxQueueMs: null };

/** The less urgent of two. */
export function atMost(asked: Priority, limit: Priority): Priority {
  return priorities.indexOf(asked) < priorities.indexOf(limit) ? limit : asked;
}
