/** Responses that later requests may go on from. */

import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import type { Message } from "../../service/types.js";
import type { ResponseResource } from "./resource.js";

export interface StoredResponse {
  readonly response: ResponseResource;
  /** The conversation up to its answer, without instructions: those belong to one turn. */
  readonly messages: readonly Message[];
}

/** The conversation that a request goes on from; without an id there is none. PREVIOUS_RESPONSE_NOT_FOUND. */
export async function messagesBefore(
  id: string | null | undefined,
  { store, owner, memory }: { store: ResponseStore; owner: string; memory: SocketMemory | null },
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

/** What one WebSocket remembers for itself: its newest response, whether it was to be stored or not. */
export class SocketMemory {
  #newest: StoredResponse | null = null;

  get(id: string): StoredResponse | undefined {
    return this.#newest?.response.id === id ? this.#newest : undefined;
  }

  put(stored: StoredResponse): void {
    this.#newest = stored;
  }

  delete(id: string): void {
    if (this.#newest?.response.id === id) this.#newest = null;
  }
}
