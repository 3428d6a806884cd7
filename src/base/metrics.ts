/**
 * The process's metrics, in the Prometheus text format. Names start with `hearth_` and end with their unit.
 * Wraps prom-client so that a registry belongs to one daemon, not to the process: tests run several.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type { Counter, Gauge, Histogram } from "prom-client";

export interface MetricOptions<Label extends string> {
  readonly name: `hearth_${string}`;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** Values by their labels. */
export type Readings<Label extends string> = readonly (readonly [Record<Label, string>, number])[];

export class Metrics {
  readonly #registry = new Registry();

  /** The Content-Type of `render`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label> {
    return new Counter<Label>(this.#configuration(options));
  }

  /** With `read`, the gauge takes its value from it whenever it is rendered. */
  gauge<Label extends string = never>(options: MetricOptions<Label> & { readonly read?: () => number }): Gauge<Label> {
    const { read } = options;
    return new Gauge<Label>({
      ...this.#configuration(options),
      ...(read && {
        collect() {
          this.set(read());
        },
      }),
    });
  }

  /** Whose values are all read anew whenever it is rendered; what cannot be read is left out. */
  readings<Label extends string>(
    options: MetricOptions<Label> & { readonly read: () => Promise<Readings<Label>> },
  ): void {
    const { read } = options;
    new Gauge<Label>({
      ...this.#configuration(options),
      async collect() {
        this.reset();
        for (const [labels, value] of await read().catch(() => [])) this.set(labels, value);
      },
    });
  }

  /** `buckets`: upper bounds, ascending, in the metric's unit. */
  histogram<Label extends string = never>(
    options: MetricOptions<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label> {
    return new Histogram<Label>({ ...this.#configuration(options), buckets: [...options.buckets] });
  }

  /** Adds memory, CPU, event loop lag and garbage collection of this process. */
  collectProcessMetrics(): void {
    collectDefaultMetrics({
      register: this.#registry,
      prefix: "hearth_",
      // The default would wake an idle board a hundred times a second.
      eventLoopMonitoringPrecision: 100,
    });
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #configuration<Label extends string>({ name, help, labels = [] }: MetricOptions<Label>) {
    return { name, help, labelNames: labels, registers: [this.#registry] };
  }
}
