/** Metrics of the machine: temperatures and this process's memory. Read when somebody asks for metrics. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Metrics, Readings } from "../base/metrics.js";

export interface HostFiles {
  /** Linux: a folder a sensor, with `type` and `temp`. */
  readonly thermal: string;
  /** Linux: sums over the process's mappings. */
  readonly memory: string;
}

/** `root`: the folder that has proc and sys, `/` but in tests. */
export function hostFiles(root: string): HostFiles {
  return { thermal: path.join(root, "sys/class/thermal"), memory: path.join(root, "proc/self/smaps_rollup") };
}

export function collectHostMetrics(metrics: Metrics, files: HostFiles = hostFiles("/")): void {
  metrics.readings({
    name: "hearth_temperature_celsius",
    help: "Temperatures of the machine, where it tells them.",
    labels: ["zone", "type"],
    read: () => temperatures(files.thermal),
  });
  metrics.readings({
    name: "hearth_memory_pss_bytes",
    help: "Memory of this process, what it shares counted in part. The model's file is `file`, and the system can take it back.",
    labels: ["kind"],
    read: () => memory(files.memory),
  });
}

async function temperatures(folder: string): Promise<Readings<"zone" | "type">> {
  const zones = (await readdir(folder)).filter((name) => /^thermal_zone\d+$/.test(name));
  const read = zones.map(async (zone) => {
    const text = (name: string) => readFile(path.join(folder, zone, name), "utf8");
    try {
      const milli = Number(await text("temp"));
      const type = (await text("type")).trim();
      return Number.isFinite(milli) ? [[{ zone: zone.slice("thermal_zone".length), type }, milli / 1000] as const] : [];
    } catch {
      return []; // a sensor that is off
    }
  });
  return (await Promise.all(read)).flat();
}

async function memory(file: string): Promise<Readings<"kind">> {
  const text = await readFile(file, "utf8");
  return [...text.matchAll(/^Pss_(Anon|File|Shmem): +(\d+) kB$/gm)].map(
    ([, kind = "", kib]) => [{ kind: kind.toLowerCase() }, Number(kib) * 1024] as const,
  );
}
