/** The daemon's state in lines for a person. Pure. */
import type { GovernorState } from "../daemon/governor/governor.js";
import type { ModelStatus, StatusReport } from "../daemon/status-report.js";
import { formatBytes, formatCount, formatTable, printable } from "./terminal.js";

/** `now`: milliseconds since 1970. */
export function statusText(status: StatusReport, now: number): string {
  const scheme = status.https ? "https" : "http";
  const head = `hearth ${status.version} at ${scheme}://${status.address ?? "no address yet"}, up ${duration(status.uptimeSeconds)}\n`;
  const rows = [
    ...status.models.flatMap(modelRows),
    ["board", board(status)],
    ["memory", memory(status)],
    ["pace", pace(status.pace)],
    ["clients", clients(status, now)],
    ["files", filesLine(status)],
    ...health(status),
  ];
  return head + formatTable(rows);
}

/** `qwen3:0.6b: Q4_K qwen3, 751 M parameters, 1.3 GB with 8192 tokens of context` */
export function describeModel(model: ModelStatus): string {
  const { name, phase, architecture, weightType, parameters, memoryBytes, contextTokens } = model;
  if (architecture === null) return `${name}: ${phase}`;
  const size = parameters === null ? "" : `, ${formatCount(parameters)} parameters`;
  const context = contextTokens === null ? "" : ` with ${contextTokens} tokens of context`;
  const state = phase === "ready" ? "" : ` (${phase})`;
  return `${name}${state}: ${printable(`${weightType} ${architecture}`)}${size}, ${formatBytes(memoryBytes)}${context}`;
}

function modelRows(model: ModelStatus): string[][] {
  const { configured, isa, threads, decodeThreads, tokensPerSecond, slots, slotsBusy, queued, residency } = model;
  const rows = [[configured ? "model" : "also", describeModel(model)]];
  if (residency) {
    const all = residency.keptBytes + residency.streamedBytes;
    rows.push([
      "",
      `${formatBytes(residency.keptBytes)} of ${formatBytes(all)} stay in memory, the rest is read for each token`,
    ]);
  }
  if (isa === null) return rows;
  const speed = tokensPerSecond === null ? "not known yet" : `${figure(tokensPerSecond)} tokens/s`;
  const each = threads === decodeThreads ? `${threads} threads` : `${threads} threads, ${decodeThreads} for answers`;
  rows.push(["speed", `${speed} (${isa}, ${each})`]);
  rows.push(["queue", `${slotsBusy} of ${slots} slots busy, ${queued} waiting`]);
  return rows;
}

function board({ board: { name, cores, kernel }, pace: { heat, limitCelsius } }: StatusReport): string {
  const clock = heat.clocks.find(({ hertz }) => hertz !== null)?.hertz;
  const limit = limitCelsius === null ? "" : ` (slows down at ${limitCelsius})`;
  return [
    printable(name ?? "unknown board"),
    `${cores} cores`,
    ...(clock ? [`${(clock / 1e9).toFixed(1)} GHz`] : []),
    ...(heat.celsius === null ? [] : [`${Math.round(heat.celsius)} °C${limit}`]),
    `Linux ${printable(kernel)}`,
  ].join(", ");
}

function memory({ memory: { residentBytes, totalBytes, availableBytes, limitBytes } }: StatusReport): string {
  const limit = limitBytes === null ? "" : `, limited to ${formatBytes(limitBytes)}`;
  return `${formatBytes(residentBytes)} resident${limit}; ${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} available`;
}

/** `all 4 threads`, or `2 of 4 threads, 80 % of the time, because of heat` */
export function pace({ cores, threads, workShare, restraints, heat }: GovernorState): string {
  const firmware = heat.throttle?.now.length ? `; the firmware says: ${heat.throttle.now.join(", ")}` : "";
  if (restraints.length === 0 && threads === cores && workShare > 0.99) return `all ${cores} threads${firmware}`;
  const share = workShare > 0.99 ? "" : `, ${Math.round(100 * workShare)} % of the time`;
  const why = restraints.length > 0 ? `, because of ${restraints.join(" and ")}` : "";
  return `${threads} of ${cores} threads${share}${why}${firmware}`;
}

function clients({ clients: recent }: StatusReport, now: number): string {
  if (recent.length === 0) return "nobody has asked yet";
  const shown = recent.slice(0, 5).map(({ name, answers, running, lastAt }) => {
    const when = running > 0 ? "now" : `${duration(Math.max(0, now - lastAt) / 1000)} ago`;
    return `${printable(name)} (${answers} ${answers === 1 ? "answer" : "answers"}, ${when})`;
  });
  return shown.join(", ") + (recent.length > 5 ? `, and ${recent.length - 5} others` : "");
}

function filesLine({ files: { state, freeBytes, prefixBytes } }: StatusReport): string {
  const free = freeBytes === null ? "" : `, ${formatBytes(freeBytes)} free`;
  return `${state}: ${formatBytes(prefixBytes)} of kept prompts${free}`;
}

function health({ conditions }: StatusReport): string[][] {
  const broken = conditions.filter(({ healthy }) => !healthy);
  if (broken.length === 0) return [["state", "healthy"]];
  return broken.map(({ reason, optional }, i) => [
    i === 0 ? "state" : "",
    `${optional ? "note" : "unhealthy"}: ${printable(reason)}`,
  ]);
}

/** `3 days`, `5 minutes`, `12 s` */
export function duration(seconds: number): string {
  const units = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const;
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return `${Math.round(seconds)} s`;
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
