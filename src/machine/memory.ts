/** The machine's memory and swap, from /proc and /sys. */
import type { MachineFiles } from "./files.js";

export interface SwapArea {
  /** `/dev/zram0`, `/var/swap` */
  readonly path: string;
  readonly bytes: number;
  readonly usedBytes: number;
}

export interface MachineMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swap: readonly SwapArea[];
}

/** null where /proc does not tell. */
export async function readMemory(files: MachineFiles): Promise<MachineMemory | null> {
  const text = (await files.text("/proc/meminfo")) ?? "";
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  const totalBytes = bytes("MemTotal");
  const availableBytes = bytes("MemAvailable");
  if (totalBytes === null || availableBytes === null) return null;
  const swaps = (await files.text("/proc/swaps")) ?? "";
  const swap = [...swaps.matchAll(/^(\/\S+)\s+\S+\s+(\d+)\s+(\d+)/gm)].map(([, path = "", size, used]) => ({
    path,
    bytes: Number(size) * 1024,
    usedBytes: Number(used) * 1024,
  }));
  return { totalBytes, availableBytes, swap };
}

/** The size of a page of memory, from the kernel's auxiliary vector; null where that cannot be read. */
export async function pageSize(files: MachineFiles): Promise<number | null> {
  const pairs = await files.bytes("/proc/self/auxv");
  const pageSizeTag = 6n; // AT_PAGESZ of elf.h
  for (let at = 0; pairs !== null && at + 16 <= pairs.length; at += 16) {
    if (pairs.readBigUInt64LE(at) === pageSizeTag) return Number(pairs.readBigUInt64LE(at + 8));
  }
  return null;
}
