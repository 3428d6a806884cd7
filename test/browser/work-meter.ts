/** A page's own work by Chromium's counters: its tasks, its heap, and the frames that came late. */
import assert from "node:assert/strict";
import type { CDPSession, Page } from "playwright-core";

export interface Work {
  /** Milliseconds that the page's thread computed: what other programs take of the processor is not in it. */
  readonly taskMs: number;
  /** Milliseconds of all tasks over 50 ms, by the clock: what other programs take is in it. */
  readonly longMs: number;
  /** Bytes of the heap after a collection. */
  readonly heap: number;
}

/** Something on the page moved though nobody had asked for it. */
export interface Shift {
  /** The share of the screen that moved, times how far. */
  readonly value: number;
  /** The beginnings of what moved, with its places before and after. */
  readonly what: readonly string[];
}

/** All that the page's own observers saw, in milliseconds of its clock. */
interface Seen {
  readonly tasks: { readonly at: number; readonly ms: number }[];
  readonly shifts: Shift[];
  readonly answers: number[];
  /** When the meter itself had the page work. */
  readonly pauses: { readonly from: number; readonly to: number }[];
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of its thread. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** An entry that TypeScript has no name for yet. */
interface LayoutShift {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly {
    readonly node: Node | null;
    readonly previousRect: DOMRectReadOnly;
    readonly currentRect: DOMRectReadOnly;
  }[];
}

type Watched = Window & { seen: Seen };

export class WorkMeter {
  readonly #page: Page;
  readonly #session: CDPSession;
  /** The page's work for the meter. */
  #ownMs = 0;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }

  static async of(page: Page): Promise<WorkMeter> {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.evaluate(() => {
      const seen: Seen = { tasks: [], shifts: [], answers: [], pauses: [] };
      Object.assign(window, { seen });
      new PerformanceObserver((list) => {
        for (const { startTime: at, duration: ms } of list.getEntries()) seen.tasks.push({ at, ms });
      }).observe({ type: "longtask" });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { value, hadRecentInput, sources } = entry as unknown as LayoutShift;
          if (hadRecentInput) continue;
          const what = sources.map(({ node, previousRect: from, currentRect: to }) => {
            const text = node instanceof Element ? node.outerHTML : (node?.textContent ?? "");
            return `${text.slice(0, 60)} from ${from.x}, ${from.y} to ${to.x}, ${to.y}`;
          });
          seen.shifts.push({ value, what });
        }
      }).observe({ type: "layout-shift" });
      new PerformanceObserver((list) => {
        for (const { name, duration } of list.getEntries()) if (name === "keydown") seen.answers.push(duration);
      }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
    });
    return new WorkMeter(page, session);
  }

  /** All since the meter was made, once the page has come to rest. */
  async read(): Promise<Work> {
    await this.rest();
    const taskMs = await this.#taskMs();
    const longMs = (await this.longTasks()).reduce((sum, ms) => sum + ms, 0);
    const from = await this.#page.evaluate(() => performance.now());
    await this.#session.send("HeapProfiler.collectGarbage");
    const { usedSize: heap } = await this.#session.send("Runtime.getHeapUsage");
    await this.#page.evaluate((start) => {
      (window as unknown as Watched).seen.pauses.push({ from: start, to: performance.now() });
    }, from);
    const work = { taskMs: taskMs - this.#ownMs, longMs, heap };
    this.#ownMs += (await this.#taskMs()) - taskMs;
    return work;
  }

  /** Has the browser write down each task of the page until stopTrace(). */
  async startTrace(): Promise<void> {
    await this.#page
      .context()
      .browser()
      ?.startTracing(this.#page, { categories: ["toplevel"] });
  }

  /** Milliseconds that the page's thread computed in its longest task: what other programs take is not in it. */
  async stopTrace(): Promise<number> {
    await this.rest(); // a page that is busy hands in its part too late
    const trace = await this.#page.context().browser()?.stopTracing();
    const { traceEvents } = JSON.parse(String(trace)) as { traceEvents: TraceEvent[] };
    const placeOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
    const threads = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
    // Another renderer waits for the next page.
    const [tasks = []] = threads
      .map((thread) => traceEvents.filter((event) => placeOf(event) === placeOf(thread) && event.tdur !== undefined))
      .sort((a, b) => b.length - a.length);
    assert.ok(tasks.length > 0, "the trace has no task of the page");
    return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur / 1000), 0);
  }

  async #taskMs(): Promise<number> {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
  }

  /** Resolves when the page has had nothing to do for a while: no frame is wanted, and no task was long. */
  async rest(): Promise<void> {
    await this.#page.evaluate(async () => {
      const { tasks } = (window as unknown as Watched).seen;
      for (let quiet = 0, before = tasks.length; quiet < 5; before = tasks.length) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await new Promise<void>((resolve) => requestIdleCallback(() => resolve()));
        quiet = tasks.length === before ? quiet + 1 : 0;
      }
    });
  }

  /** Milliseconds of each task over 50 ms. */
  longTasks(): Promise<number[]> {
    return this.#page.evaluate(() => {
      const { tasks, pauses } = (window as unknown as Watched).seen;
      const own = tasks.filter(({ at }) => pauses.some(({ from, to }) => at >= from && at <= to));
      return tasks.filter((task) => !own.includes(task)).map(({ ms }) => ms);
    });
  }

  layoutShifts(): Promise<Shift[]> {
    return this.#page.evaluate(() => (window as unknown as Watched).seen.shifts);
  }

  /** Milliseconds from each key to the frame that shows what it did, where that was not the very next one. */
  keyAnswers(): Promise<number[]> {
    return this.#page.evaluate(() => (window as unknown as Watched).seen.answers);
  }
}
