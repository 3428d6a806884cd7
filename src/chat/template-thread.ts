/**
 * Renders chat templates on a thread of its own, so that a long conversation does not hold up the event loop and a hostile
 * template cannot take the process's memory. The thread starts with the first conversation.
 */
import { Worker } from "node:worker_threads";
import { HearthError } from "../base/errors.js";
import type { ChatTemplate } from "./template.js";
import type { RenderAnswer, RenderOrder } from "./template-worker.js";

/** Where conversations are rendered. Rejects with CHAT_TEMPLATE_FAILED. */
export interface TemplateRenderer {
  render(template: ChatTemplate, variables: Readonly<Record<string, unknown>>): Promise<string>;
}

/** On the caller's thread: for tests and tools. */
export const inlineRenderer: TemplateRenderer = {
  render: async (template, variables) => template.render(variables),
};

/** Far more than the longest prompt takes. */
const heapMebibytes = 192;

type Settle = (answer: RenderAnswer | Error) => void;

export class TemplateThread implements TemplateRenderer {
  readonly #script: URL;
  readonly #waiting = new Map<number, Settle>();
  #worker: Worker | null = null;
  #lastId = 0;
  #closed = false;

  /** `script`: template-worker.ts, compiled. This file itself is bundled into another folder, beside dist/chat. */
  constructor(script = new URL("../chat/template-worker.js", import.meta.url)) {
    this.#script = script;
  }

  async render(template: ChatTemplate, variables: Readonly<Record<string, unknown>>): Promise<string> {
    if (this.#closed) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const { source, limits } = template;
    const id = ++this.#lastId;
    const order: RenderOrder = { id, source, limits, now: template.now().getTime(), variables };
    const worker = this.#started();
    try {
      worker.postMessage(order);
    } catch (error) {
      throw new HearthError("REQUEST_INVALID", "The input is nested too deeply or too long.", { cause: error });
    }
    const answer = await new Promise<RenderAnswer | Error>((settle) => {
      this.#waiting.set(id, settle);
      worker.ref();
    });
    if (!(answer instanceof Error) && "text" in answer) return answer.text;
    if (this.#closed) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const message = answer instanceof Error ? `The model's chat template failed: ${answer.message}.` : answer.failure;
    throw new HearthError("CHAT_TEMPLATE_FAILED", message, { cause: answer });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#script, {
      resourceLimits: { maxOldGenerationSizeMb: heapMebibytes, maxYoungGenerationSizeMb: 4 },
      stdout: false,
    });
    this.#worker = worker;
    worker.unref(); // alone it keeps no process alive
    worker.on("message", (answer: RenderAnswer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
      if (this.#waiting.size === 0) worker.unref();
    });
    // Out of memory, most likely. Whoever waits is told, and the next conversation gets a new thread.
    worker.on("error", (error) => this.#fail(worker, error));
    worker.on("exit", () => this.#fail(worker, new Error("its thread has ended")));
    return worker;
  }

  #fail(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const settle of this.#waiting.values()) settle(error);
    this.#waiting.clear();
  }
}
