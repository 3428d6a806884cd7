/** Responses that later requests may go on from. */

import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import type { Message } from "../../service/types.js";
import type { InputItem } from "./input-items.js";
import type { ResponseResource } from "./resource.js";

export interface StoredResponse {
  readonly response: ResponseResource;
  /** The conversation up to its answer, without instructions: those belong to one turn. */
  readonly messages: readonly Message[];
  /** Items of its request. Responses that were kept before there were any have none. */
  readonly input?: readonly InputItem[];
}

/** The conversation that a request goes on from; without an id there is none. PREVIOUS_RESPONSE_NOT_FOUND. */
export async function messagesBefore(
  id: string | null | undefined,
  { store, owner, memory }: { store: ResponseStore; owner: string; memory: ResponseMemory | null },
): Promise<readonly Message[]> {
  if (id === null || id === undefined) return [];
  const found = memory?.get(id) ?? (await store.get(id, owner));
  if (found) return found.messages;
  throw new HearthError("PREVIOUS_RESPONSE_NOT_FOUND", `There is no response ${quoted(id)} to go on from.`, {
    param: "previous_response_id",
  });
}

/** Changes with the form of StoredResponse. */
export const storedVersion = 1;

/** Keeps responses beyond their request. Nobody but its owner finds one. */
export interface ResponseStore {
  get(id: string, owner: string): Promise<StoredResponse | undefined>;
  put(id: string, owner: string, stored: StoredResponse): void;
  /** False when the owner has none of this id. */
  delete(id: string, owner: string): Promise<boolean>;
}

/** A connection's own memory of its responses, whether they are stored or not. */
export interface ResponseMemory {
  get(id: string): StoredResponse | undefined;
  put(stored: StoredResponse): void;
  delete(id: string): void;
}

/** Lanes whose newest response is remembered; the one that was used last is kept longest. */
const maxLanes = 32;

/** The memory of one WebSocket: the newest response of each lane. A turn may continue any of them. */
export class SocketMemory {
  readonly #newest = new Map<string | null, StoredResponse>();

  /** `lane`: null for the turns without a name of their stream. */
  ofLane(lane: string | null): ResponseMemory {
    return {
      get: (id) => [...this.#newest.values()].find(({ response }) => response.id === id),
      put: (stored) => this.#put(lane, stored),
      delete: (id) => this.#delete(id),
    };
  }

  #put(lane: string | null, stored: StoredResponse): void {
    this.#newest.delete(lane);
    this.#newest.set(lane, stored);
    for (const oldest of this.#newest.keys()) {
      if (this.#newest.size <= maxLanes) break;
      this.#newest.delete(oldest);
    }
  }

  #delete(id: string): void {
    for (const [lane, { response }] of this.#newest) if (response.id === id) this.#newest.delete(lane);
  }
}
