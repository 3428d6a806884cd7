/** Reads the figures of /metrics (the text format of Prometheus). Pure. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of each metric. */
export function readMetrics(text: string): Map<string, Sample[]> {
  const metrics = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)/i.exec(line);
    const [, name, labels = "", number] = match ?? [];
    if (name === undefined || number === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", value = ""]) => [key, value]);
    const samples = metrics.get(name) ?? [];
    samples.push({ labels: Object.fromEntries(pairs), value: Number(number) });
    metrics.set(name, samples);
  }
  return metrics;
}

/** The sum of a metric's samples; 0 where there is none. */
export function total(metrics: Map<string, Sample[]>, name: string): number {
  return (metrics.get(name) ?? []).reduce((sum, { value }) => sum + value, 0);
}

export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly value: number;
}

/** The newest points of an hour, at most `most`: a page that stays open must not grow. */
export function withPoint(points: readonly Point[], point: Point, most = 720): readonly Point[] {
  const hourAgo = point.at - 3_600_000;
  return [...points, point].filter(({ at }) => at >= hourAgo).slice(-most);
}

/** A line through the points in a box of `width` x `height`, for the `points` of a polyline; the newest at the right edge. */
export function lineOf(
  points: readonly Point[],
  { width, height, top }: { width: number; height: number; top: number },
): string {
  const newest = points.at(-1)?.at ?? 0;
  const oldest = Math.min(points[0]?.at ?? 0, newest - 60_000);
  return points
    .map(({ at, value }) => {
      const x = ((at - oldest) / (newest - oldest)) * width;
      return `${x.toFixed(1)},${(height - (value / Math.max(top, 1e-9)) * height).toFixed(1)}`;
    })
    .join(" ");
}
