/**
 * Chats that people keep: documents with a title and a revision, listed for their owner alone. Nothing makes room for another one by
 * itself: a full store refuses. What stands in a chat is its clients' business.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import { quoted } from "../base/excerpt.js";
import type { DocumentStore } from "./documents.js";

export interface ChatSummary {
  readonly id: string;
  readonly title: string;
  /** Grows by one with every change, from 1. */
  readonly revision: number;
  /** Milliseconds since 1970, as is `updatedAt`. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface KeptChat extends ChatSummary {
  readonly content: Readonly<Record<string, unknown>>;
}

export interface ChatChange {
  readonly title: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** The revision that the change was made to; 0 for a chat that is new. */
  readonly revision: number;
}

export const chatIdPattern = /^chat_[0-9a-f]{32}$/;
/** Changes with the form of KeptChat. */
export const chatsVersion = 1;
/** The chats of all owners together; the list of one is answered as a whole. */
const mostChats = 10_000;

type Entry = ChatSummary & { readonly owner: string };

export class ChatStore {
  readonly #documents: DocumentStore<KeptChat>;
  readonly #limitBytes: number;
  readonly #now: () => number;
  /** All chats by their ids, read from the files when somebody first asks. */
  #index: Promise<Map<string, Entry>> | null = null;

  /** `now`: milliseconds since 1970. */
  constructor(documents: DocumentStore<KeptChat>, limitBytes: number, now: () => number) {
    this.#documents = documents;
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  /** The newest first. With `search` those whose title or content has the text, in any case. */
  async list(owner: string, search = ""): Promise<ChatSummary[]> {
    const own = [...(await this.#entries()).values()].filter((entry) => entry.owner === owner);
    const found: Entry[] = [];
    for (const entry of own) {
      if (search === "" || (await this.#has(entry, search.toLowerCase()))) found.push(entry);
      if (search !== "") await nextTurn(); // each is read and looked through as a whole
    }
    return found.sort((a, b) => b.updatedAt - a.updatedAt).map(({ owner: _owner, ...summary }) => summary);
  }

  async get(id: string, owner: string): Promise<KeptChat | undefined> {
    const chat = await this.#documents.get(id, owner);
    // A file that turned out to be damaged is in the way of nothing: clients keep what they have of the chat as a new one.
    if (chat === undefined && this.#documents.bytesOf(id) === 0) (await this.#index)?.delete(id);
    return chat;
  }

  /** Resolves when it survives a power cut. CHAT_CHANGED where somebody changed it meanwhile, CHATS_FULL, DISK_FULL, FILE_WRITE_FAILED. */
  async put(id: string, owner: string, { title, content, revision }: ChatChange): Promise<ChatSummary> {
    const entries = await this.#entries();
    const before = entries.get(id);
    if ((before?.owner ?? owner) !== owner || (before?.revision ?? 0) !== revision) {
      throw new HearthError("CHAT_CHANGED", `The chat ${quoted(id)} is not at revision ${revision} any more.`);
    }
    const now = this.#now();
    const summary = { id, title, revision: revision + 1, createdAt: before?.createdAt ?? now, updatedAt: now };
    const bytes = Buffer.byteLength(JSON.stringify(content));
    const bytesBefore = this.#documents.bytesOf(id);
    const isFull = bytes > bytesBefore && this.#documents.bytes - bytesBefore + bytes > this.#limitBytes;
    if (isFull || (!before && entries.size >= mostChats)) {
      throw new HearthError("CHATS_FULL", `The kept chats take ${this.#documents.bytes} bytes already.`);
    }
    const entry = { ...summary, owner };
    entries.set(id, entry);
    try {
      await this.#documents.keep(id, owner, { ...summary, content });
    } catch (error) {
      if (before && entries.get(id) === entry) entries.set(id, before);
      else if (entries.get(id) === entry) entries.delete(id);
      throw error;
    }
    return summary;
  }

  /** False when this owner has none of this id. Resolves when it does not come back after a power cut; FILE_WRITE_FAILED. */
  async delete(id: string, owner: string): Promise<boolean> {
    const entries = await this.#entries();
    const entry = entries.get(id);
    if (entry?.owner !== owner) return false;
    entries.delete(id); // at once: a change that comes meanwhile is one of a chat that is gone
    try {
      await this.#documents.delete(id, owner);
    } catch (error) {
      if (!entries.has(id)) entries.set(id, entry);
      throw error;
    }
    return true;
  }

  async #has({ id, owner, title }: Entry, search: string): Promise<boolean> {
    if (title.toLowerCase().includes(search)) return true;
    const chat = await this.#documents.get(id, owner);
    return chat !== undefined && textsOf(chat.content).some((text) => text.toLowerCase().includes(search));
  }

  #entries(): Promise<Map<string, Entry>> {
    this.#index ??= this.#readAll();
    return this.#index;
  }

  async #readAll(): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    for await (const { id, owner, content } of this.#documents.all()) {
      const { content: _content, ...summary } = content;
      entries.set(id, { ...summary, id, owner });
    }
    return entries;
  }
}

/** All texts in a JSON value, at any depth. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
