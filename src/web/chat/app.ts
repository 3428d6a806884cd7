/** All that the chat page knows and does: the chats, the open one, and the answers on their way. It must not know how any of it looks. */
import type { AnswerPart } from "../common/answer.js";
import { ApiError } from "../common/client.js";
import { randomId } from "../common/ids.js";
import { storedKey } from "../common/key.js";
import { Observable } from "../common/observable.js";
import { preferences } from "../common/preferences.js";
import type { AnswerRun } from "../common/run.js";
import { isLetIn, listModels, type Model, type Readiness } from "../common/server.js";
import { Socket } from "../common/socket.js";
import type { Chat, ChatSummary } from "./chat.js";
import { HealthWatch } from "./health.js";
import { ChatKeeper } from "./keeper.js";
import { emptyChat } from "./new-chat.js";
import { requestFor } from "./request.js";
import { toNode } from "./run-node.js";
import { AnswerRuns } from "./runs.js";
import { browserStorage, type ChatStorage, serverStorage } from "./storage.js";
import {
  type AssistantNode,
  type ChatContent,
  type ChatNode,
  type ChatSettings,
  isDone,
  leafBelow,
  pathTo,
  titleOf,
  withNode,
} from "./tree.js";
import { WatchedAnswers } from "./watched-answers.js";

/** How long the server goes on with an answer while this page is away: a phone that was locked, a browser that was closed. */
const awayMs = 600_000;
/** Whoever types a word asks once. */
const searchRestMs = 250;

export class ChatApp extends Observable {
  readonly socket = new Socket(() => void this.#checkKey());
  readonly #runs = new AnswerRuns(this.socket, {
    find: async (chatId, nodeId) => {
      const node = await this.#readAnswer(chatId, nodeId).catch(() => null);
      return node && !isDone(node) ? node : null;
    },
    put: (chatId, node) => this.#put(chatId, node),
    isBusyWith: (chatId) => this.#keeper.isBusyWith(chatId),
    onProblem: (error) => this.#report(error),
  });
  readonly #health = new HealthWatch(() => void this.refresh()); // other devices may have done something meanwhile
  readonly #watched = new WatchedAnswers({
    isShown: (chatId) => this.#chat.id === chatId,
    read: (chatId, nodeId) => this.#readAnswer(chatId, nodeId),
    onDone: (chatId, node) => this.#takeWatched(chatId, node),
    onProblem: (error) => this.#report(error),
  });
  #storage: ChatStorage = preferences.get("keep") === "browser" ? browserStorage : serverStorage;
  #keeper = this.#makeKeeper();
  #summaries: readonly ChatSummary[] = [];
  #search = "";
  #chat: Chat = emptyChat();
  #models: readonly Model[] = [];
  #needsKey = false;
  #problem: string | null = null;
  #searchTimer: ReturnType<typeof setTimeout> | undefined;

  get chats(): readonly ChatSummary[] {
    return this.#summaries;
  }
  get chat(): Chat {
    return this.#chat;
  }
  get models(): readonly Model[] {
    return this.#models;
  }
  get readiness(): Readiness {
    return this.#health.readiness;
  }
  get needsKey(): boolean {
    return this.#needsKey;
  }
  get place(): ChatStorage["place"] {
    return this.#storage.place;
  }
  get search(): string {
    return this.#search;
  }
  /** Something went wrong that the user should know of; the name of a text, or the server's words. */
  get problem(): string | null {
    return this.#problem;
  }
  get hasUnsaved(): boolean {
    return this.#keeper.hasUnsaved;
  }

  /** The branch that is shown. */
  get path(): ChatNode[] {
    return pathTo(this.#chat.content.nodes, this.#chat.content.leaf);
  }

  /** The answer on its way to a message that this page asked for. */
  runOf(nodeId: string): AnswerRun | null {
    return this.#runs.of(nodeId);
  }

  /** The answer on its way in the branch that is shown. */
  get currentRun(): AnswerRun | null {
    return this.runOf(this.#chat.content.leaf ?? "");
  }

  async start(): Promise<void> {
    addEventListener("pagehide", () => this.#runs.keep());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#runs.keep();
      else void this.refresh();
    });
    addEventListener("hashchange", () => void this.#openFromAddress());
    this.socket.subscribe(() => {
      this.changed();
      if (this.socket.state === "open") void this.refresh();
    });
    this.#health.subscribe(() => this.changed());
    this.#watched.subscribe(() => this.changed());
    this.#runs.subscribe(() => this.changed());
    void this.#health.start();
    await this.refresh();
    await this.#runs.resume();
    await this.#openFromAddress();
  }

  /** Reads the lists anew. */
  async refresh(): Promise<void> {
    try {
      const [summaries, models] = await Promise.all([this.#list(), listModels()]);
      this.#summaries = summaries;
      this.#models = models;
      this.#needsKey = false;
      this.socket.resume();
      void this.#keeper.flush();
      this.changed();
      await this.#takeNews();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#askForKey();
      else if (!(error instanceof ApiError) || error.status !== 0) this.#report(error);
    }
  }

  /** Another device may have gone on with the chat that is open. */
  async #takeNews(): Promise<void> {
    const { id } = this.#chat;
    const revision = this.#summaries.find((summary) => summary.id === id)?.revision ?? 0;
    const isHere = this.currentRun !== null || this.#keeper.isBusyWith(id);
    if (isHere || this.#keeper.revisionOf(id) === 0 || revision <= this.#keeper.revisionOf(id)) return;
    const chat = await this.#keeper.get(id);
    if (this.#chat.id === id && this.currentRun === null && !this.#keeper.isBusyWith(id)) this.#show(chat);
  }

  /** A server that keeps no chats leaves them to the browser. */
  async #list(): Promise<ChatSummary[]> {
    try {
      return await this.#storage.list(this.#search);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || this.place === "browser") throw error;
      this.#storage = browserStorage;
      this.#keeper = this.#makeKeeper();
      return this.#storage.list(this.#search);
    }
  }

  setKey(key: string): void {
    preferences.set("key", key);
    void this.refresh();
  }

  /** Shows the chats that have a text, a moment after the last letter of it. */
  find(search: string): void {
    this.#search = search;
    this.changed();
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => void this.#find(search), search === "" ? 0 : searchRestMs);
  }

  async #find(search: string): Promise<void> {
    try {
      const found = await this.#list();
      if (this.#search === search) this.#summaries = found;
      this.changed();
    } catch (error) {
      this.#report(error);
    }
  }

  /** Keeps chats in the other place from now on. Those that are there stay where they are. */
  keepIn(place: ChatStorage["place"]): void {
    preferences.set("keep", place === "browser" ? "browser" : null);
    this.#storage = place === "browser" ? browserStorage : serverStorage;
    this.#keeper = this.#makeKeeper();
    this.#summaries = [];
    this.newChat();
    void this.refresh();
  }

  newChat(): void {
    this.#chat = emptyChat(this.#chat.content.settings.model);
    if (location.hash !== "") history.pushState(null, "", location.pathname + location.search);
    this.changed();
  }

  async open(id: string): Promise<void> {
    try {
      this.#show(await this.#keeper.get(id));
    } catch (error) {
      this.#report(error);
    }
  }

  send(text: string): void {
    const { content } = this.#chat;
    this.#ask({ id: randomId(""), parent: content.leaf, at: Date.now(), role: "user", text });
  }

  /** Gives the results of the calls that the newest answer made. */
  sendResults(results: readonly { readonly callId: string; readonly output: string }[]): void {
    this.#ask({ id: randomId(""), parent: this.#chat.content.leaf, at: Date.now(), role: "tool", results });
  }

  /** Asks an edited question in a branch of its own. */
  edit(node: ChatNode, text: string): void {
    this.#ask({ id: randomId(""), parent: node.parent, at: Date.now(), role: "user", text });
  }

  /** Has a question answered again, in a branch of its own. */
  retry(node: ChatNode): void {
    if (node.parent !== null) this.#answer(this.#chat.content, node.parent);
  }

  showBranch(node: ChatNode): void {
    const { content } = this.#chat;
    this.#change({ ...this.#chat, content: { ...content, leaf: leafBelow(content.nodes, node.id) } });
  }

  stop(): void {
    this.currentRun?.stop();
  }

  setSettings(settings: ChatSettings): void {
    const chat = { ...this.#chat, content: { ...this.#chat.content, settings } };
    if (chat.content.nodes.length > 0) this.#change(chat);
    else this.#chat = chat;
    preferences.set("defaults", JSON.stringify({ model: settings.model }));
    this.changed();
  }

  async rename(id: string, title: string): Promise<void> {
    try {
      const chat = id === this.#chat.id ? this.#chat : await this.#keeper.get(id);
      this.#change({ ...chat, title: title.trim() || titleOf(chat.content) });
    } catch (error) {
      this.#report(error);
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await this.#keeper.delete(id);
      this.#summaries = this.#summaries.filter((summary) => summary.id !== id);
      if (this.#chat.id === id) this.newChat();
      this.changed();
    } catch (error) {
      this.#report(error);
    }
  }

  /** All chats, whole. */
  async exportAll(): Promise<Chat[]> {
    const chats: Chat[] = [];
    // Past the keeper, whose revision of a chat has to be that of what is shown.
    for (const { id } of await this.#storage.list("")) chats.push(await this.#storage.get(id));
    return chats;
  }

  /** Adds chats of a file, each as one of its own. */
  async importAll(chats: readonly { title: string; content: ChatContent }[]): Promise<void> {
    try {
      for (const { title, content } of chats) await this.#keeper.add({ ...emptyChat(), title, content });
      await this.refresh();
    } catch (error) {
      this.#report(error);
    }
  }

  /** Everything is shown anew: in another language. */
  redraw(): void {
    this.changed();
  }

  /** null: the user has read it. */
  report(problem: string | null): void {
    this.#problem = problem;
    this.changed();
  }

  #ask(node: ChatNode): void {
    const content = withNode(this.#chat.content, node, node.id);
    this.#answer(content, node.id);
  }

  /** Begins an answer to the message `parent`. */
  #answer(content: ChatContent, parent: string): void {
    const id = randomId("");
    const node = { id, parent, at: Date.now(), role: "assistant" as const };
    const request = requestFor(content, parent, { keeps: this.place === "server", awayMs });
    const run = this.#runs.prepare(this.#chat.id, node, request);
    const chat = { ...this.#chat, content: withNode(content, toNode(node, run.answer), id) };
    this.#change({ ...chat, title: chat.title === "" ? titleOf(chat.content) : chat.title });
    run.start();
  }

  /** Resolves when the message is kept. */
  async #put(chatId: string, node: AssistantNode): Promise<void> {
    const chat = chatId === this.#chat.id ? this.#chat : await this.#keeper.get(chatId);
    await this.#change({ ...chat, content: withNode(chat.content, node) });
  }

  /** Resolves when the chat is kept, or cannot be for now. */
  #change(chat: Chat): Promise<void> {
    if (chat.id === this.#chat.id) {
      this.#chat = chat;
      if (location.hash !== `#${chat.id}`) history.replaceState(null, "", `#${chat.id}`);
    }
    const shown = { ...chat, updatedAt: Math.floor(Date.now() / 1000) };
    this.#summaries = [shown, ...this.#summaries.filter(({ id }) => id !== chat.id)];
    this.changed();
    return this.#keeper.put(chat);
  }

  #show(chat: Chat): void {
    this.#chat = chat;
    if (location.hash !== `#${chat.id}`) history.pushState(null, "", `#${chat.id}`);
    this.changed();
    for (const node of chat.content.nodes) {
      if (isDone(node) || node.role !== "assistant" || this.#runs.of(node.id)) continue;
      void this.#watched.watch(chat.id, node);
    }
  }

  /** The parts so far of an answer that another device asked for. */
  partsSoFar(nodeId: string): readonly AnswerPart[] {
    return this.#watched.partsOf(nodeId);
  }

  async #readAnswer(chatId: string, nodeId: string): Promise<AssistantNode | null> {
    const chat = await this.#keeper.get(chatId);
    const node = chat.content.nodes.find(({ id }) => id === nodeId);
    return node?.role === "assistant" ? node : null;
  }

  async #takeWatched(chatId: string, node: AssistantNode): Promise<void> {
    // The device that asked may have put it into the chat, and then the server has it nowhere else.
    const chat = await this.#keeper.get(chatId);
    const kept = chat.content.nodes.find(({ id }) => id === node.id);
    if (!kept || !isDone(kept)) await this.#put(chatId, node);
    else if (this.#chat.id === chatId) this.#show(chat);
  }

  async #openFromAddress(): Promise<void> {
    const id = location.hash.slice(1);
    if (/^chat_[0-9a-f]{32}$/.test(id) && id !== this.#chat.id) await this.open(id);
  }

  #makeKeeper(): ChatKeeper {
    return new ChatKeeper(this.#storage, {
      onMerged: (chat) => {
        if (chat.id === this.#chat.id) this.#chat = chat;
        this.changed();
      },
      onChange: () => this.changed(),
      onProblem: (error) => this.#report(error),
    });
  }

  async #checkKey(): Promise<void> {
    if (!(await isLetIn())) this.#askForKey();
  }

  #askForKey(): void {
    this.#needsKey = true;
    this.#problem = storedKey() === null ? null : "keyRefused";
    this.socket.pause();
    this.changed();
  }

  #report(error: unknown): void {
    if (error instanceof ApiError && error.status === 401) {
      this.#askForKey();
      return;
    }
    this.#problem = error instanceof ApiError && error.status === 0 ? "unreachable" : String((error as Error).message);
    this.changed();
  }
}
