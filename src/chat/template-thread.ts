/**
 * Runs chat templates on a thread of its own, so that a long conversation does not hold up the event loop and a hostile
 * template takes neither the process's memory nor its time.
 */
import { HearthError } from "../base/errors.js";
import { WorkerFailure, WorkerHost, type WorkerLimits } from "../base/worker-host.js";
import { type TemplateLimits, templateLimits } from "./template.js";
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

/** TemplateRenderer runs chat templates. Rejects with CHAT_TEMPLATE_FAILED, as a TemplateRefusal where the template refuses the messages. */
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

/**
 * A template is opened once, with its model: at a boot, while everything else starts as well and nothing of this program is compiled yet.
 * A model must not be refused for that; the steps bound the work.
 */
const openingLimits: TemplateLimits = { ...templateLimits, timeoutMs: 30_000 };
/** Beyond the order's own limit, which the thread keeps itself as long as it can. */
const graceMs = 1_500;
/** The heap is far more than the longest prompt takes. The thread stays: each conversation begins with it. */
const threadLimits: WorkerLimits = { timeMs: templateLimits.timeoutMs + graceMs, heapMebibytes: 192, idleMs: null };

export class TemplateThread implements TemplateRenderer {
  readonly #host: WorkerHost<TemplateOrder, TemplateAnswer>;

  /** `script`: template-worker.ts, compiled. This file itself is bundled into another folder, beside dist/chat. */
  constructor(script = new URL("../chat/template-worker.js", import.meta.url)) {
    this.#host = new WorkerHost(script, threadLimits);
  }

  async open(order: WithoutKind<OpenOrder>): Promise<Opened> {
    return openedOf(await this.#ask({ limits: openingLimits, ...order, kind: "open" }));
  }

  async render(order: WithoutKind<RenderOrder>): Promise<string> {
    return textOf(await this.#ask({ ...order, kind: "render" }));
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  async #ask(order: TemplateOrder): Promise<TemplateAnswer> {
    const { timeoutMs } = order.limits ?? templateLimits;
    try {
      return await this.#host.run(order, { timeMs: timeoutMs + graceMs });
    } catch (error) {
      throw explain(error, timeoutMs);
    }
  }
}

function explain(error: unknown, timeoutMs: number): HearthError {
  const failed = (what: string) =>
    new HearthError("CHAT_TEMPLATE_FAILED", `The model's chat template ${what}.`, { cause: error });
  switch (error instanceof WorkerFailure ? error.reason : "ended") {
    case "closed":
      return new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
    case "unsendable":
      return new HearthError("REQUEST_INVALID", "The input is nested too deeply or too long.", { cause: error });
    case "time":
      return failed(`did not end within ${timeoutMs} ms`);
    case "memory":
      return failed("needs too much memory");
    case "ended":
      return failed("ended its thread");
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
