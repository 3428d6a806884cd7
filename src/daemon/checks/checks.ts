/** All checks of `hearth doctor`, in the order in which they are shown. */
import { checkClock, checkHeat, checkPower, checkProcessor } from "./board.js";
import type { CheckResult, Report } from "./check.js";
import { checkControlGroups, checkLocking, checkMemory, checkPressure, checkSwap } from "./memory.js";
import { checkKeys, checkLog, checkPort, checkUnit } from "./service.js";
import type { DoctorSources } from "./sources.js";
import { checkModel, checkPermissions, checkRoom, checkSpeed } from "./storage.js";

const checks: readonly ((sources: DoctorSources) => Report | Promise<Report>)[] = [
  checkProcessor,
  checkHeat,
  checkPower,
  checkMemory,
  checkSwap,
  checkControlGroups,
  checkPressure,
  checkLocking,
  checkRoom,
  checkSpeed,
  checkModel,
  checkPermissions,
  checkUnit,
  checkPort,
  checkKeys,
  checkClock,
  checkLog,
];

/** Runs every check; the worst findings come first. */
export async function examine(sources: DoctorSources): Promise<CheckResult> {
  const reports: Report[] = [];
  for (const check of checks) reports.push(await check(sources));
  const findings = reports.flatMap((report) => report.findings);
  const faults = findings.filter(({ severity }) => severity === "fault");
  return {
    facts: reports.flatMap((report) => report.facts),
    findings: [...faults, ...findings.filter(({ severity }) => severity !== "fault")],
  };
}
