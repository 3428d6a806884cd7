/**
 * Runs some suites in another process beside this one, with what processor time the others leave: suites that compile and compute take
 * as long as before, and those that wait for timers and processes no longer let the cores idle. Knows no suite.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { run } from "./command.mjs";
import { processorSeconds } from "./processors.mjs";

/** The variable that tells test/run.mjs that it is the other process, and where its reports go. */
const variable = "HEARTH_TEST_REPORTS";
const limitSeconds = 3600;

/** The file for the reports of this process if it runs beside another one; null in the first one. */
export const reportFile = process.env[variable] ?? null;

/** Leaves the processors to the other process whenever that wants them; a tenth is this one's, so that no limit of time is missed. */
export function stepBack() {
  os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
}

/** Writes the reports for `inBackground` of the other process. */
export function writeReports(reports) {
  writeFileSync(reportFile, JSON.stringify({ reports, busy: processorSeconds() }));
}

/**
 * Starts the suites of these names. `ended` is what they reported, and the output to show; a process that failed without a report is a
 * failed suite of its own.
 */
export function inBackground(root, names) {
  const folder = path.join(root, "build", "background");
  mkdirSync(folder, { recursive: true });
  const [file, log] = [path.join(folder, "reports.json"), path.join(folder, "output")];
  rmSync(file, { force: true });
  closeSync(openSync(log, "w"));
  const started = run(root, process.execPath, [path.join("test", "run.mjs"), ...names], {
    env: { [variable]: file },
    limitSeconds,
    log,
  });
  const background = { busy: 0, ended: null };
  background.ended = started.then(() => {
    const { reports, busy } = readReports(file, names);
    background.busy = busy;
    return { reports, output: readFileSync(log, "utf8") };
  });
  return background;
}

function readReports(file, names) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    const report = { name: names.join(", "), seconds: 0, busy: 0, result: { failed: 1, note: "did not end" } };
    return { reports: [report], busy: 0 };
  }
}
