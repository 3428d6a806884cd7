/** The answers on their way that this page asked for: each is put into its chat, and gone on with when the page was reloaded. */
import { isOver } from "../common/answer.js";
import { ask } from "../common/client.js";
import { Observable } from "../common/observable.js";
import { AnswerRun } from "../common/run.js";
import type { Socket } from "../common/socket.js";
import { forgetRuns, keepRuns, keptRuns } from "./run-memory.js";
import { type RunPlace, toNode } from "./run-node.js";
import type { AssistantNode } from "./tree.js";

export interface RunHandlers {
  /** The message as its chat has it; null where it is gone or done. */
  find(chatId: string, nodeId: string): Promise<RunPlace | null>;
  /** Resolves when the message is kept, or cannot be for now. */
  put(chatId: string, node: AssistantNode): Promise<void>;
  /** Whether something of the chat is not kept yet. */
  isBusyWith(chatId: string): boolean;
  onProblem(error: unknown): void;
}

interface Followed {
  readonly chatId: string;
  readonly run: AnswerRun;
}

export class AnswerRuns extends Observable {
  readonly #socket: Socket;
  readonly #handlers: RunHandlers;
  /** By their messages. */
  readonly #followed = new Map<string, Followed>();

  constructor(socket: Socket, handlers: RunHandlers) {
    super();
    this.#socket = socket;
    this.#handlers = handlers;
  }

  /** The answer that is on its way to a message, or null. */
  of(nodeId: string): AnswerRun | null {
    return this.#followed.get(nodeId)?.run ?? null;
  }

  /** An answer that is to be started once its message is in the chat. */
  prepare(chatId: string, place: RunPlace, request: object): AnswerRun {
    const run = new AnswerRun(place.id, request, this.#socket);
    this.#follow(chatId, place, run);
    return run;
  }

  /** Keeps them in the tab: the page is about to go. */
  keep(): void {
    keepRuns(
      [...this.#followed].map(([nodeId, { chatId, run }]) => ({
        chatId,
        nodeId,
        request: run.request,
        answer: run.answer,
      })),
    );
  }

  /** Goes on with the answers that were on their way when the page was left. */
  async resume(): Promise<void> {
    const kept = keptRuns();
    forgetRuns();
    for (const { chatId, nodeId, request, answer } of kept) {
      const place = await this.#handlers.find(chatId, nodeId);
      if (place === null) continue;
      const run = new AnswerRun(nodeId, request, this.#socket, answer);
      this.#follow(chatId, place, run);
      run.start();
    }
  }

  /** Puts an answer into its chat when it is done, and its name before, so that other devices find it. */
  #follow(chatId: string, { id, parent, at, role }: RunPlace, run: AnswerRun): void {
    this.#followed.set(id, { chatId, run });
    let known = run.answer.responseId;
    const end = run.subscribe(() => {
      const isDone = isOver(run.answer);
      if (isDone || run.answer.responseId !== known) {
        known = run.answer.responseId;
        void this.#put(chatId, toNode({ id, parent, at, role }, run.answer), isDone);
      }
      if (!isDone) return;
      end();
      this.#followed.delete(id);
      this.keep();
      this.changed();
    });
  }

  async #put(chatId: string, node: AssistantNode, isDone: boolean): Promise<void> {
    try {
      await this.#handlers.put(chatId, node);
    } catch (error) {
      this.#handlers.onProblem(error);
      return;
    }
    const isKept = isDone && !this.#handlers.isBusyWith(chatId); // the chat has all of it now
    if (isKept && node.responseId !== null) ask("DELETE", `/v1/responses/${node.responseId}`).catch(() => {});
  }
}
