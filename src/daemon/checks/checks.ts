/** All checks of `hearth doctor`, in the order in which they are shown, each for a bounded time. */
import { settlesWithin } from "../../base/async.js";
import { type Clock, systemClock } from "../../base/clock.js";
import { checkClock, checkHeat, checkPower, checkProcessor } from "./board.js";
import { type CheckResult, Report } from "./check.js";
import { checkControlGroups, checkLocking, checkMemory, checkPressure, checkSwap } from "./memory.js";
import { checkKeys, checkLog, checkPort, checkUnit } from "./service.js";
import { type DoctorSources, programMs } from "./sources.js";
import { checkModel, checkPermissions, checkRoom, checkSpeed, reportHang } from "./storage.js";

interface Check {
  readonly name: string;
  readonly look: (sources: DoctorSources, report: Report) => void | Promise<void>;
  /** It waits for the storage of the state folder and the models. */
  readonly ofStorage?: boolean;
}

const checks: readonly Check[] = [
  { name: "processor", look: checkProcessor },
  { name: "cooling", look: checkHeat },
  { name: "power", look: checkPower },
  { name: "memory", look: checkMemory },
  { name: "swap", look: checkSwap },
  { name: "memory limits", look: checkControlGroups },
  { name: "pressure", look: checkPressure },
  { name: "locked memory", look: checkLocking },
  { name: "disk", look: checkRoom, ofStorage: true },
  { name: "storage", look: checkSpeed, ofStorage: true },
  { name: "model", look: checkModel, ofStorage: true },
  { name: "permissions", look: checkPermissions, ofStorage: true },
  { name: "service", look: checkUnit },
  { name: "address", look: checkPort },
  { name: "keys", look: checkKeys, ofStorage: true },
  { name: "clock", look: checkClock },
  { name: "log", look: checkLog },
];

/** A check waits for two programs at most, which may take a second longer to end. */
const checkMs = 2 * programMs + 3000;

/**
 * Runs every check; the worst findings come first. `hung`: the names of checks that have not ended yet; this run adds its own and takes
 * away those that end. While the storage hangs nothing else asks it: each question would hold a thread until it answers.
 */
export async function examine(
  sources: DoctorSources,
  hung: Set<string> = new Set(),
  clock: Clock = systemClock,
): Promise<CheckResult> {
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await one(check, sources, hung, clock));
  const findings = results.flatMap((result) => result.findings);
  const faults = findings.filter(({ severity }) => severity === "fault");
  return {
    facts: results.flatMap(({ facts }) => facts),
    findings: [...faults, ...findings.filter(({ severity }) => severity !== "fault")],
    unseen: results.flatMap(({ unseen }) => unseen),
  };
}

async function one(
  { name, look, ofStorage = false }: Check,
  sources: DoctorSources,
  hung: Set<string>,
  clock: Clock,
): Promise<CheckResult> {
  const report = new Report(name);
  const isHanging = (other: Check) => hung.has(other.name);
  if (hung.has(name) || (ofStorage && checks.some((other) => other.ofStorage && isHanging(other)))) {
    report.unknown(ofStorage ? "The storage does not answer." : `It has not answered since the last time.`);
    return report;
  }
  hung.add(name);
  const looking = (async () => look(sources, report))().finally(() => hung.delete(name));
  if ((await settlesWithin(looking, checkMs, clock)) === "settled") {
    await looking; // throws what it threw
    return report;
  }
  looking.catch(() => {}); // nobody waits for it any more
  const late = new Report(name);
  if (ofStorage) reportHang(late, checkMs);
  else late.unknown(`There was no answer within ${Math.round(checkMs / 1000)} seconds.`);
  return late;
}
