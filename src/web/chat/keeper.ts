/**
 * Writes chats to where they are kept, one change of a chat after the other. A chat that another device changed is merged with what it
 * made of it; one that cannot be written now is written when the server is back.
 */
import { ApiError } from "../common/client.js";
import type { Chat } from "./chat.js";
import { ChangedError, type ChatStorage } from "./storage.js";
import { merge } from "./tree.js";

export interface KeeperHandlers {
  /** Another device's messages are in the chat now. */
  onMerged(chat: Chat): void;
  /** A chat was written, or waits for it. */
  onChange(): void;
  onProblem(error: unknown): void;
}

const maxMerges = 5;

export class ChatKeeper {
  readonly #storage: ChatStorage;
  readonly #handlers: KeeperHandlers;
  /** Chats that were read or written here, as they are now. */
  readonly #chats = new Map<string, Chat>();
  readonly #unsaved = new Set<string>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(storage: ChatStorage, handlers: KeeperHandlers) {
    this.#storage = storage;
    this.#handlers = handlers;
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.size > 0 && this.#writing.size === 0;
  }

  known(): Chat[] {
    return [...this.#chats.values()];
  }

  /** The revision that is known here; 0 for a chat that was not read or written. */
  revisionOf(id: string): number {
    return this.#chats.get(id)?.revision ?? 0;
  }

  isBusyWith(id: string): boolean {
    return this.#unsaved.has(id) || this.#writing.has(id);
  }

  /** The newest version: what is not written yet, or what the storage has. */
  async get(id: string): Promise<Chat> {
    const known = this.#chats.get(id);
    if (known && this.isBusyWith(id)) return known;
    const chat = await this.#storage.get(id);
    const now = this.#chats.get(id); // it may have changed meanwhile
    if (now && (this.isBusyWith(id) || now.revision > chat.revision)) return now;
    this.#chats.set(id, chat);
    return chat;
  }

  /** Resolves when it is written, or cannot be for now. */
  put(chat: Chat): Promise<void> {
    this.#chats.set(chat.id, { ...chat, revision: this.#chats.get(chat.id)?.revision ?? chat.revision });
    this.#unsaved.add(chat.id);
    return this.#write(chat.id);
  }

  /** Writes a new chat; throws what keeps it from being written. */
  async add(chat: Chat): Promise<void> {
    const summary = await this.#storage.put(chat);
    this.#chats.set(chat.id, { ...chat, ...summary });
  }

  async delete(id: string): Promise<void> {
    this.#unsaved.delete(id);
    await this.#writing.get(id);
    this.#chats.delete(id);
    await this.#storage.delete(id);
  }

  /** Tries again to write what could not be written. */
  async flush(): Promise<void> {
    await Promise.all([...this.#unsaved].map((id) => this.#write(id)));
  }

  #write(id: string): Promise<void> {
    const running = this.#writing.get(id);
    if (running) return running;
    const writing = this.#writeAll(id).finally(() => {
      this.#writing.delete(id);
      this.#handlers.onChange();
    });
    this.#writing.set(id, writing);
    return writing;
  }

  async #writeAll(id: string): Promise<void> {
    let merges = 0;
    while (this.#unsaved.has(id)) {
      const chat = this.#chats.get(id);
      if (!chat) return;
      this.#unsaved.delete(id);
      try {
        const { revision } = await this.#storage.put(chat);
        const newer = this.#chats.get(id) ?? chat; // it may have changed meanwhile
        this.#chats.set(id, { ...newer, revision });
      } catch (error) {
        this.#unsaved.add(id);
        if (!(error instanceof ChangedError) || ++merges > maxMerges) {
          if (!(error instanceof ApiError) || error.status !== 0) this.#handlers.onProblem(error);
          return;
        }
        await this.#merge(id);
      }
    }
  }

  async #merge(id: string): Promise<void> {
    let theirs: Chat | null;
    try {
      theirs = await this.#storage.get(id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) return;
      theirs = null; // deleted on another device, and gone on with here: it is a new one
    }
    const mine = this.#chats.get(id);
    if (!mine) return;
    const merged = theirs
      ? { ...mine, revision: theirs.revision, content: merge(mine.content, theirs.content) }
      : { ...mine, revision: 0 };
    this.#chats.set(id, merged);
    this.#handlers.onMerged(merged);
  }
}
