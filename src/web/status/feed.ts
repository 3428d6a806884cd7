/** Asks the server every few seconds how it is, while somebody looks. */
import { ApiError, ask, askText } from "../common/client.js";
import { Observable } from "../common/observable.js";
import { listModels, type Model, type Readiness, readiness } from "../common/server.js";
import { type Point, readMetrics, type Sample, total, withPoint } from "./metrics.js";
import type { LoggedWarning, StatusReport } from "./report.js";

const everyMs = 5000;
const statusPath = "/hearth/v1/status";

export class StatusFeed extends Observable {
  readiness: Readiness | null = null;
  models: readonly Model[] = [];
  metrics = new Map<string, Sample[]>();
  version = "";
  /** Tokens a second over the last interval, for an hour. */
  speed: readonly Point[] = [];
  needsKey = false;
  /** The owner's figures; null for whom they are not, or before they came. */
  report: StatusReport | null = null;
  /** The log's last ones, the newest first; null for whom they are not. */
  warnings: readonly LoggedWarning[] | null = null;
  /** The server's words where the last thing that somebody asked for went wrong. */
  problem: string | null = null;
  /** Paths that the server keeps from this browser. */
  readonly #refused = new Set<string>();
  #before: { readonly at: number; readonly tokens: number } | null = null;

  /** The server keeps the owner's figures from this browser. */
  get isLimited(): boolean {
    return this.#refused.has(statusPath);
  }

  start(): void {
    void this.#follow();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.read();
    });
  }

  /** Loads a model, as its first request would. */
  async load(name: string): Promise<void> {
    this.problem = null;
    try {
      await ask("POST", "/api/generate", { model: name, stream: false }, 600_000);
      await this.read();
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.changed();
  }

  async #follow(): Promise<void> {
    for (;;) {
      if (document.visibilityState === "visible") await this.read();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  /** Asks for all figures now. */
  async read(): Promise<void> {
    this.readiness = await readiness();
    try {
      const [text, models, version] = await Promise.all([
        askText("/metrics"),
        listModels(),
        ask<{ version: string }>("GET", "/hearth/v1/kiosk"),
      ]);
      this.metrics = readMetrics(text);
      this.models = models;
      this.version = version.version;
      this.needsKey = false;
      this.#takeSpeed(Date.now());
      this.report = await this.#askAsOwner<StatusReport>(statusPath);
      const warnings = await this.#askAsOwner<{ data: LoggedWarning[] }>("/hearth/v1/warnings");
      this.warnings = warnings?.data ?? null;
    } catch (error) {
      this.needsKey = error instanceof ApiError && error.status === 401;
    }
    this.changed();
  }

  /** null for whom it is not. A browser that was refused asks no more: what it may see does not change while the page is open. */
  async #askAsOwner<T>(path: string): Promise<T | null> {
    if (this.#refused.has(path) || this.isLimited) return null;
    try {
      return await ask<T>("GET", path);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error;
      this.#refused.add(path);
      return null;
    }
  }

  #takeSpeed(at: number): void {
    const tokens = total(this.metrics, "hearth_generated_tokens_total");
    const before = this.#before;
    this.#before = { at, tokens };
    // A server that was started anew counts from 0.
    if (!before || tokens < before.tokens || at <= before.at) return;
    this.speed = withPoint(this.speed, { at, value: ((tokens - before.tokens) * 1000) / (at - before.at) });
  }
}
