/** A page's own work by Chromium's counters: its tasks, its heap, and the frames that came late. */
import type { CDPSession, Page } from "playwright-core";

export interface Work {
  /** Milliseconds that the page's thread computed: what other programs take of the processor is not in it. */
  readonly taskMs: number;
  /** Milliseconds of all tasks over 50 ms, by the clock. */
  readonly longMs: number;
  /** Bytes of the heap after a collection. */
  readonly heap: number;
}

export class WorkMeter {
  readonly #page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }

  static async of(page: Page): Promise<WorkMeter> {
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.evaluate(() => {
      const seen = { tasks: [] as number[], shifts: [] as number[] };
      Object.assign(window, { seen });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.tasks.push(duration);
      }).observe({ type: "longtask" });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { value, hadRecentInput } = entry as unknown as { value: number; hadRecentInput: boolean };
          if (!hadRecentInput) seen.shifts.push(value);
        }
      }).observe({ type: "layout-shift" });
    });
    return new WorkMeter(page, session);
  }

  /** All since the meter was made, once the page has come to rest. */
  async read(): Promise<Work> {
    await this.rest();
    const taskMs = 1000 * (await this.#metric("TaskDuration"));
    const longMs = (await this.longTasks()).reduce((sum, ms) => sum + ms, 0);
    await this.#session.send("HeapProfiler.collectGarbage");
    const { usedSize: heap } = await this.#session.send("Runtime.getHeapUsage");
    return { taskMs, longMs, heap };
  }

  async #metric(name: string): Promise<number> {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    return metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  }

  /** Resolves when the page has had nothing to do for a while: no frame is wanted, and no task was long. */
  async rest(): Promise<void> {
    await this.#page.evaluate(async () => {
      const { tasks } = (window as unknown as { seen: { tasks: number[] } }).seen;
      for (let quiet = 0, before = tasks.length; quiet < 5; before = tasks.length) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await new Promise<void>((resolve) => requestIdleCallback(() => resolve()));
        quiet = tasks.length === before ? quiet + 1 : 0;
      }
    });
  }

  longTasks(): Promise<number[]> {
    return this.#page.evaluate(() => (window as unknown as { seen: { tasks: number[] } }).seen.tasks);
  }

  layoutShifts(): Promise<number[]> {
    return this.#page.evaluate(() => (window as unknown as { seen: { shifts: number[] } }).seen.shifts);
  }
}
