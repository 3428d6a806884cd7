/**
 * How much others wait for a processor: from the kernel's pressure stall information, or where that is off (as on Raspberry Pi OS)
 * from the times that processes waited in run queues. Both are sums since the boot, so that two readings tell of the time between.
 */
import type { MachineFiles } from "./files.js";

/** A sum of waiting, in milliseconds. */
export interface WaitingSum {
  readonly source: "pressure" | "schedstat";
  readonly waitedMs: number;
}

/** null: the kernel tells neither. */
export async function readCpuWaiting(files: MachineFiles): Promise<WaitingSum | null> {
  const pressure = await files.text("/proc/pressure/cpu");
  const total = /^some .*\btotal=(\d+)/m.exec(pressure ?? "")?.[1];
  if (total !== undefined) return { source: "pressure", waitedMs: Number(total) / 1000 };
  const schedstat = await files.text("/proc/schedstat");
  const waits = [...(schedstat ?? "").matchAll(/^cpu\d+((?: \d+)+)$/gm)].flatMap(([, numbers = ""]) => {
    // The last three are running time, waiting time (nanoseconds) and time slices (Documentation/scheduler/sched-stats.rst).
    const waited = numbers.trim().split(" ").at(-2);
    return waited === undefined ? [] : [Number(waited) / 1e6];
  });
  if (waits.length === 0) return null;
  return { source: "schedstat", waitedMs: waits.reduce((sum, ms) => sum + ms, 0) };
}

/** The share of the time between two readings in which somebody waited, 0 to 1; null where they cannot be compared. */
export function waitingShare(before: WaitingSum | null, after: WaitingSum | null, elapsedMs: number): number | null {
  if (!before || !after || before.source !== after.source || elapsedMs <= 0) return null;
  return Math.min(1, Math.max(0, (after.waitedMs - before.waitedMs) / elapsedMs));
}
