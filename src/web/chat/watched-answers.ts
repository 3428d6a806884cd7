/** The answers that this page did not ask for and shows all the same: those of another device, or of this one before it was closed. */
import type { AnswerPart, ResponseObject } from "../common/answer.js";
import { ApiError, ask } from "../common/client.js";
import { Observable } from "../common/observable.js";
import type { AssistantNode } from "./tree.js";
import { type WatchMeans, watchResponse } from "./watch.js";

const means: WatchMeans = {
  now: () => Date.now(),
  rest: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  look: lookAtServer,
};

export interface WatchHandlers {
  /** Whether somebody looks at the chat. */
  isShown(chatId: string): boolean;
  /** The message as the chat has it now; null where it is gone. */
  read(chatId: string, nodeId: string): Promise<AssistantNode | null>;
  /** The answer is whole. */
  onDone(chatId: string, node: AssistantNode): Promise<void>;
  onProblem(error: unknown): void;
}

export class WatchedAnswers extends Observable {
  readonly #handlers: WatchHandlers;
  /** The parts so far of each, by its message. */
  readonly #parts = new Map<string, readonly AnswerPart[]>();

  constructor(handlers: WatchHandlers) {
    super();
    this.#handlers = handlers;
  }

  /** Empty where nothing is known of it. */
  partsOf(nodeId: string): readonly AnswerPart[] {
    return this.#parts.get(nodeId) ?? [];
  }

  /** Follows an answer until it is done, or nobody looks. */
  async watch(chatId: string, node: AssistantNode): Promise<void> {
    if (this.#parts.has(node.id)) return;
    this.#parts.set(node.id, []);
    try {
      const watched = {
        isWanted: () => this.#handlers.isShown(chatId),
        read: () => this.#handlers.read(chatId, node.id),
        onParts: (parts: readonly AnswerPart[]) => {
          this.#parts.set(node.id, parts);
          this.changed();
        },
      };
      const done = await watchResponse(node, watched, means);
      if (done) await this.#handlers.onDone(chatId, done);
    } catch (error) {
      this.#handlers.onProblem(error);
    } finally {
      this.#parts.delete(node.id);
      this.changed();
    }
  }
}

async function lookAtServer(id: string): Promise<ResponseObject | "later" | null> {
  try {
    return await ask<ResponseObject>("GET", `/v1/responses/${id}`);
  } catch (error) {
    return error instanceof ApiError && error.status === 404 ? null : "later";
  }
}
