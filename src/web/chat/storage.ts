/** Two places that keep chats: the server, the same on all devices of a key, and this browser alone. */
import { ApiError, ask } from "../common/client.js";
import type { Chat, ChatSummary } from "./chat.js";
import type { ChatContent } from "./tree.js";

export interface ChatStorage {
  readonly place: "server" | "browser";
  /** The newest first; with `search` those that have the text. */
  list(search: string): Promise<ChatSummary[]>;
  get(id: string): Promise<Chat>;
  /** Returns the chat as it is now. ChangedError where another device changed it meanwhile. */
  put(chat: Chat): Promise<ChatSummary>;
  delete(id: string): Promise<void>;
}

/** Somebody changed the chat since its revision. */
export class ChangedError extends Error {}

interface WireSummary {
  readonly id: string;
  readonly title: string;
  readonly revision: number;
  readonly updated_at: number;
}

const toSummary = ({ id, title, revision, updated_at: updatedAt }: WireSummary): ChatSummary => ({
  ...{ id, title, revision, updatedAt },
});

const path = "/hearth/v1/chats";

export const serverStorage: ChatStorage = {
  place: "server",
  async list(search) {
    const query = search === "" ? "" : `?${new URLSearchParams({ search: search.slice(0, 256) })}`;
    return (await ask<{ data: WireSummary[] }>("GET", path + query)).data.map(toSummary);
  },
  async get(id) {
    const chat = await ask<WireSummary & { content: ChatContent }>("GET", `${path}/${id}`);
    return { ...toSummary(chat), content: chat.content };
  },
  async put({ id, title, revision, content }) {
    try {
      return toSummary(await ask<WireSummary>("PUT", `${path}/${id}`, { title, revision, content }));
    } catch (error) {
      if (error instanceof ApiError && error.code === "chat_changed") throw new ChangedError();
      throw error;
    }
  },
  async delete(id) {
    await ask("DELETE", `${path}/${id}`).catch((error) => {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    });
  },
};

const store = "chats";

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("hearth", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(store, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** One transaction of one request. */
async function inBrowser<T>(mode: IDBTransactionMode, request: (chats: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const asked = request(database.transaction(store, mode).objectStore(store));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  } finally {
    database.close();
  }
}

export const browserStorage: ChatStorage = {
  place: "browser",
  async list(search) {
    const chats = await inBrowser<Chat[]>("readonly", (all) => all.getAll());
    const text = search.toLowerCase();
    const found = chats.filter((chat) => JSON.stringify([chat.title, chat.content.nodes]).toLowerCase().includes(text));
    return found.sort((a, b) => b.updatedAt - a.updatedAt);
  },
  async get(id) {
    const chat = await inBrowser<Chat | undefined>("readonly", (all) => all.get(id));
    if (!chat) throw new ApiError(404, "not_found", "");
    return chat;
  },
  async put(chat) {
    const before = await inBrowser<Chat | undefined>("readonly", (all) => all.get(chat.id));
    if ((before?.revision ?? 0) !== chat.revision) throw new ChangedError(); // by another tab
    const kept = { ...chat, revision: chat.revision + 1, updatedAt: Math.floor(Date.now() / 1000) };
    await inBrowser("readwrite", (all) => all.put(kept));
    return kept;
  },
  async delete(id) {
    await inBrowser("readwrite", (all) => all.delete(id));
  },
};
