/** Figures as people read them. */

/** Decimal units, as disks and downloads have them: `4.7 GB`, `812 kB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Two digits that say something, and no more: `0.31`, `4.7`, `23`, `1,200`. */
export function formatShort(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? String(Math.round(value)) : value.toFixed(value >= 1 ? 1 : 2);
}

/** `1.6 ms`, `0.31 s`, `12 s`, `4.2 min`, `1.5 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.1) return `${formatShort(1000 * seconds)} ms`;
  if (seconds < 120) return `${formatShort(seconds)} s`;
  return seconds < 7200 ? `${formatShort(seconds / 60)} min` : `${formatShort(seconds / 3600)} h`;
}
