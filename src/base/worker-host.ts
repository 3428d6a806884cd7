/**
 * Runs one script on a thread of its own, with limits of time and memory for each order: for work whose size a stranger
 * chooses. Orders run one after the other, the smallest first. The thread starts with the first and ends when it has rested; one that breaks a
 * limit fails alone, and the next order gets a new thread. Knows nothing of what the orders say.
 */
import { Worker } from "node:worker_threads";

export interface WorkerLimits {
  /** The time limit of one order's work, without its waiting. */
  readonly timeMs: number;
  readonly heapMebibytes: number;
  /** An idle thread gives its memory back after so long; null: it stays. */
  readonly idleMs: number | null;
}

/**
 * `time`, `memory`: a limit was reached. `ended`: the thread ended for another reason. `unsendable`: the order cannot be
 * copied. `closed`: the host was, before or meanwhile.
 */
export type WorkerFailureReason = "time" | "memory" | "ended" | "unsendable" | "closed";

export class WorkerFailure extends Error {
  readonly reason: WorkerFailureReason;

  constructor(reason: WorkerFailureReason, cause?: unknown) {
    super(`the thread's order failed: ${reason}`, { cause });
    this.name = "WorkerFailure";
    this.reason = reason;
  }
}

/** A script is loaded in some 50 ms, on a board that is busy in seconds. */
const startLimitMs = 60_000;

export interface OrderOptions {
  /** The order's own limit, where it is another than most orders have. */
  readonly timeMs?: number;
  /** How much work it is likely to be, in any unit: the least goes first, so that large orders do not hold up small ones. */
  readonly size?: number;
}

interface Pending<Order, Answer> {
  readonly order: Order;
  readonly timeMs: number;
  readonly size: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (failure: WorkerFailure) => void;
}

export class WorkerHost<Order, Answer> {
  readonly #script: URL;
  readonly #limits: WorkerLimits;
  readonly #queue: Pending<Order, Answer>[] = [];
  #running: Pending<Order, Answer> | null = null;
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `script`: compiled; it says "ready", and then answers each message with one (see worker-script.ts). */
  constructor(script: URL, limits: WorkerLimits) {
    this.#script = script;
    this.#limits = limits;
  }

  /** Rejects with a WorkerFailure. */
  run(order: Order, { timeMs = this.#limits.timeMs, size = 0 }: OrderOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new WorkerFailure("closed"));
      const after = this.#queue.findIndex((other) => other.size > size);
      this.#queue.splice(after < 0 ? this.#queue.length : after, 0, { order, timeMs, size, resolve, reject });
      this.#next();
    });
  }

  /** Whoever waits is told so. */
  async close(): Promise<void> {
    this.#closed = true;
    const left = [this.#running, ...this.#queue.splice(0)];
    this.#running = null;
    for (const pending of left) pending?.reject(new WorkerFailure("closed"));
    await this.#end();
  }

  #next(): void {
    if (this.#running) return;
    const next = this.#queue.shift();
    if (!next) return;
    this.#running = next;
    clearTimeout(this.#timer);
    if (this.#worker) this.#send(this.#worker, next);
    else this.#start(); // which sends it once the script is loaded: its time does not begin before
  }

  #send(worker: Worker, pending: Pending<Order, Answer>): void {
    const { order, timeMs } = pending;
    try {
      worker.postMessage(order);
    } catch (error) {
      this.#fail(new WorkerFailure("unsendable", error));
      return;
    }
    worker.ref();
    this.#limit(pending, timeMs, "time");
  }

  #limit(pending: Pending<Order, Answer> | null, timeMs: number, reason: WorkerFailureReason): void {
    const late = () => {
      // An answer that came while this thread was held up is taken first.
      if (this.#running !== pending) return;
      void this.#end();
      this.#fail(new WorkerFailure(reason));
    };
    this.#timer = setTimeout(() => setImmediate(late), timeMs);
    this.#timer.unref();
  }

  #start(): void {
    const worker = new Worker(this.#script, {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMebibytes, maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    const gone = (failure: WorkerFailure) => {
      if (this.#worker !== worker) return; // ended on purpose
      this.#worker = null;
      this.#fail(failure);
    };
    this.#limit(this.#running, startLimitMs, "ended");
    let isReady = false;
    worker.on("message", (answer: Answer) => {
      if (this.#worker !== worker) return;
      if (!isReady) {
        isReady = true;
        clearTimeout(this.#timer);
        if (this.#running) this.#send(worker, this.#running); // its time begins now
        return;
      }
      const { resolve } = this.#running ?? {};
      this.#rest(worker);
      resolve?.(answer);
      this.#next();
    });
    worker.on("error", (error: NodeJS.ErrnoException) => {
      gone(new WorkerFailure(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "memory" : "ended", error));
    });
    worker.on("exit", () => gone(new WorkerFailure("ended")));
  }

  /** The running order is over; alone the thread keeps no process alive. */
  #rest(worker: Worker | null): void {
    this.#running = null;
    clearTimeout(this.#timer);
    worker?.unref();
    const { idleMs } = this.#limits;
    if (idleMs === null) return;
    this.#timer = setTimeout(() => void this.#end(), idleMs);
    this.#timer.unref();
  }

  #fail(failure: WorkerFailure): void {
    const { reject } = this.#running ?? {};
    this.#rest(this.#worker);
    reject?.(failure);
    this.#next();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#timer);
    await worker?.terminate();
  }
}
