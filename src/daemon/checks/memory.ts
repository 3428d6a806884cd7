/** Checks of memory: how much there is, where it would be swapped to, and what the kernel has switched off. */
import { readMemory, type SwapArea } from "../../machine/memory.js";
import type { Report } from "./check.js";
import { type DoctorSources, unitProperties } from "./sources.js";

const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
/** Below this share the kernel drops the model's pages, and answers wait for the card. */
const scarce = 0.1;
/** The limit of an ordinary service. */
const leastLockedBytes = 64 * 1024 * 1024;

export async function checkMemory({ files, status }: DoctorSources, report: Report): Promise<void> {
  const memory = await readMemory(files);
  if (memory === null) return;
  const { totalBytes, availableBytes } = memory;
  report.fact(`${gb(availableBytes)} of ${gb(totalBytes)} available`);
  if (availableBytes < scarce * totalBytes) {
    report.fault(
      `Only ${gb(availableBytes)} of ${gb(totalBytes)} of memory are available.`,
      "`hearth models find`, then `hearth use NAME` with a smaller model; `ps aux --sort=-rss | head` shows who has the memory.",
    );
  }
  for (const { name, residency } of status?.models ?? []) {
    if (!residency) continue;
    const all = residency.keptBytes + residency.streamedBytes;
    report.advice(
      `${name} does not fit: ${gb(residency.streamedBytes)} of ${gb(all)} are read from the file for each token.`,
      "`hearth models find`, then `hearth use NAME` with one that fits.",
    );
  }
}

export async function checkSwap({ files }: DoctorSources, report: Report): Promise<void> {
  const memory = await readMemory(files);
  if (memory === null) return;
  const areas = memory.swap;
  report.fact(areas.length === 0 ? "none" : areas.map(({ path, bytes }) => `${path} of ${gb(bytes)}`).join(", "));
  const onCard = areas.filter(({ path }) => !isZram(path));
  if (onCard.length > 0 && !areas.some(({ path }) => isZram(path))) {
    const paths = onCard.map(({ path }) => path).join(", ");
    report.advice(
      `Memory is swapped to ${paths}, which is slow and wears out a card; zram is not in use.`,
      "sudo apt-get install zram-tools",
    );
  }
  const full = areas.filter(({ bytes, usedBytes }: SwapArea) => bytes > 0 && usedBytes > 0.9 * bytes);
  if (full.length > 0)
    report.fault(
      `The swap ${full[0]?.path} is nearly full.`,
      "`hearth models find`, then `hearth use NAME` with a smaller model.",
    );
}

function isZram(path: string): boolean {
  return /zram/.test(path);
}

const commandLine = "/boot/firmware/cmdline.txt";

export async function checkControlGroups({ files }: DoctorSources, report: Report): Promise<void> {
  const controllers = await files.text("/sys/fs/cgroup/cgroup.controllers");
  if (controllers === null) return; // version 1, or a container that does not show it
  if (controllers.split(" ").includes("memory")) report.fact("control groups can limit memory");
  else {
    report.advice(
      "The memory control group is off: MemoryMax of a service does nothing.",
      `sudo sed -i '1 s/$/ cgroup_enable=memory/' ${commandLine} && sudo reboot`,
    );
  }
}

export async function checkPressure({ files }: DoctorSources, report: Report): Promise<void> {
  if ((await files.text("/proc/pressure/cpu")) !== null) report.fact("the kernel tells who waits");
  else if ((await files.text("/proc/schedstat")) !== null) {
    report.advice(
      "The kernel does not tell of pressure (PSI is off); hearth looks at run queues in its place, and not at memory.",
      `sudo sed -i '1 s/$/ psi=1/' ${commandLine} && sudo reboot`,
    );
  }
}

/** For a model that does not fit in memory, as the part that stays there is locked. */
export async function checkLocking(sources: DoctorSources, report: Report): Promise<void> {
  if (!sources.hasService) return;
  const limit = sources.by === "daemon" ? await ownLimit(sources) : await limitOfUnit(sources);
  if (limit === undefined) return;
  if (limit === "infinity" || Number(limit) >= leastLockedBytes)
    report.fact(limit === "infinity" ? "no limit" : gb(Number(limit)));
  else {
    report.advice(
      `The service may lock ${Math.round(Number(limit) / 1024 / 1024)} MB of memory only: parts of a large model that should stay are swapped out.`,
      "sudo mkdir -p /etc/systemd/system/hearthd.service.d && printf '[Service]\\nLimitMEMLOCK=infinity\\n' | sudo tee /etc/systemd/system/hearthd.service.d/memlock.conf && sudo systemctl daemon-reload && sudo systemctl restart hearthd",
    );
  }
}

async function limitOfUnit({ run }: DoctorSources): Promise<string | undefined> {
  return (await unitProperties(run, "hearthd", ["LimitMEMLOCK"])).get("LimitMEMLOCK") || undefined;
}

/** The daemon's own limit, which is the one that counts. */
async function ownLimit({ files }: DoctorSources): Promise<string | undefined> {
  const [, soft] = /^Max locked memory +(\d+|unlimited) /m.exec((await files.text("/proc/self/limits")) ?? "") ?? [];
  return soft === "unlimited" ? "infinity" : soft;
}
