/**
 * Runs chat templates on a thread of its own, so that a long conversation does not hold up the event loop and a hostile
 * template takes neither the process's memory nor its time: a thread that does not answer is ended from here. It starts with
 * the first order, and anew after it was ended.
 */
import { Worker } from "node:worker_threads";
import { HearthError } from "../base/errors.js";
import { templateLimits } from "./template.js";
import {
  execute,
  failureOf,
  type Opened,
  type OpenOrder,
  type RenderOrder,
  type TemplateAnswer,
  type TemplateOrder,
} from "./template-orders.js";

type WithoutKind<T> = Omit<T, "kind">;

/** Where templates run. Rejects with CHAT_TEMPLATE_FAILED, as a TemplateRefusal where the template refuses the messages. */
export interface TemplateRenderer {
  /** Parses the template and finds out what it can do. */
  open(order: WithoutKind<OpenOrder>): Promise<Opened>;
  render(order: WithoutKind<RenderOrder>): Promise<string>;
}

/** On the caller's thread: for tests and tools. */
export const inlineRenderer: TemplateRenderer = {
  open: async (order) => openedOf(execute({ ...order, kind: "open" })),
  render: async (order) => textOf(execute({ ...order, kind: "render" })),
};

/** Far more than the longest prompt takes. */
const heapMebibytes = 192;
/** Beyond the order's own limit, which the thread keeps itself as long as it can. */
const graceMs = 1_500;

interface Waiting {
  readonly order: TemplateOrder;
  readonly settle: (answer: TemplateAnswer | HearthError) => void;
}

export class TemplateThread implements TemplateRenderer {
  readonly #script: URL;
  /** The first one is with the thread, once that is ready. */
  readonly #queue: Waiting[] = [];
  #worker: Worker | null = null;
  #isReady = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** `script`: template-worker.ts, compiled. This file itself is bundled into another folder, beside dist/chat. */
  constructor(script = new URL("../chat/template-worker.js", import.meta.url)) {
    this.#script = script;
  }

  async open(order: WithoutKind<OpenOrder>): Promise<Opened> {
    return openedOf(await this.#ask({ ...order, kind: "open" }));
  }

  async render(order: WithoutKind<RenderOrder>): Promise<string> {
    return textOf(await this.#ask({ ...order, kind: "render" }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#forget();
    this.#settleAll(new HearthError("SHUTTING_DOWN", "The daemon is stopping."));
    await worker?.terminate();
  }

  async #ask(order: TemplateOrder): Promise<TemplateAnswer> {
    if (this.#closed) throw new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    const answer = await new Promise<TemplateAnswer | HearthError>((settle) => {
      this.#queue.push({ order, settle });
      if (this.#queue.length === 1) this.#sendFirst();
    });
    if (answer instanceof HearthError) throw answer;
    return answer;
  }

  #sendFirst(): void {
    const [first] = this.#queue;
    if (!first) return;
    const worker = this.#started();
    worker.ref();
    if (!this.#isReady) return; // its start takes no time of the order's
    try {
      worker.postMessage(first.order);
    } catch (error) {
      this.#settleFirst(
        new HearthError("REQUEST_INVALID", "The input is nested too deeply or too long.", { cause: error }),
      );
      return;
    }
    const { timeoutMs } = first.order.limits ?? templateLimits;
    const late = () => this.#end(worker, `did not end within ${timeoutMs} ms`);
    // An answer may be waiting where this thread itself was held up; it is taken before the next turn.
    this.#timer = setTimeout(() => setImmediate(() => this.#queue[0] === first && late()), timeoutMs + graceMs);
    this.#timer.unref();
  }

  #settleFirst(answer: TemplateAnswer | HearthError): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue.shift()?.settle(answer);
    if (this.#queue.length > 0) this.#sendFirst();
    else this.#worker?.unref(); // alone it keeps no process alive
  }

  #settleAll(error: HearthError): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { settle } of this.#queue.splice(0)) settle(error);
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#script, {
      resourceLimits: { maxOldGenerationSizeMb: heapMebibytes, maxYoungGenerationSizeMb: 4 },
      stdout: false,
    });
    this.#worker = worker;
    this.#isReady = false;
    worker.on("message", (message: TemplateAnswer | "ready") => {
      if (this.#worker !== worker) return;
      if (message !== "ready") return this.#settleFirst(message);
      this.#isReady = true;
      this.#sendFirst();
    });
    worker.on("error", (error: Error & { code?: string }) => {
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#end(worker, isMemory ? "needs too much memory" : `ended its thread: ${error.message.slice(0, 200)}`);
    });
    worker.on("exit", () => this.#end(worker, "ended its thread"));
    return worker;
  }

  /** Only the order that the thread was at fails; those behind it get a new thread. */
  #end(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#forget();
    void worker.terminate();
    this.#settleFirst(new HearthError("CHAT_TEMPLATE_FAILED", `The model's chat template ${reason}.`));
  }

  #forget(): void {
    this.#worker = null;
    this.#isReady = false;
  }
}

function openedOf(answer: TemplateAnswer): Opened {
  if ("opened" in answer) return answer.opened;
  throw failedAnswer(answer);
}

function textOf(answer: TemplateAnswer): string {
  if ("text" in answer) return answer.text;
  throw failedAnswer(answer);
}

function failedAnswer(answer: TemplateAnswer): HearthError {
  if ("failure" in answer) return failureOf(answer);
  throw new Error("an answer to another order");
}
