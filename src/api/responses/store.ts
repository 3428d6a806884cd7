/** Responses that later requests may go on from, in memory and bounded: the oldest make room for new ones. */
import type { Message } from "../../service/types.js";
import type { ResponseResource } from "./resource.js";

export interface StoredResponse {
  readonly response: ResponseResource;
  /** The conversation up to its answer, without instructions: those belong to one turn. */
  readonly messages: readonly Message[];
}

export interface StoreLimits {
  readonly responses: number;
  /** Characters of all conversations and answers. */
  readonly characters: number;
}

const defaultLimits: StoreLimits = { responses: 512, characters: 16 * 1024 * 1024 };

export class ResponseStore {
  readonly #limits: StoreLimits;
  readonly #stored = new Map<string, { stored: StoredResponse; characters: number }>();
  #characters = 0;

  constructor(limits: StoreLimits = defaultLimits) {
    this.#limits = limits;
  }

  get(id: string): StoredResponse | undefined {
    return this.#stored.get(id)?.stored;
  }

  put(stored: StoredResponse): void {
    const texts = stored.messages.map(({ content }) => content.length);
    const characters = texts.reduce((sum, length) => sum + length, JSON.stringify(stored.response).length);
    this.#stored.set(stored.response.id, { stored, characters });
    this.#characters += characters;
    for (const id of this.#stored.keys()) {
      if (this.#stored.size <= this.#limits.responses && this.#characters <= this.#limits.characters) break;
      this.delete(id);
    }
  }

  /** False when there is none of this id. */
  delete(id: string): boolean {
    this.#characters -= this.#stored.get(id)?.characters ?? 0;
    return this.#stored.delete(id);
  }
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
