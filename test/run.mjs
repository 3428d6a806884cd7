/**
 * Runs the test suites: all but the long ones, or those named: `node test/run.mjs unit native`.
 * Words that begin with two hyphens are options of the suites named.
 * A suite that lacks a tool is skipped with the command that installs it. What is tested is built first where it is not current.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inBackground, reportFile, stepBack, writeReports } from "./suites/background.mjs";
import { boxSuite } from "./suites/box.mjs";
import { clientsSuite } from "./suites/clients.mjs";
import { run } from "./suites/command.mjs";
import { compilers } from "./suites/compilers.mjs";
import { instructionsSuite } from "./suites/instructions.mjs";
import { lint } from "./suites/lint.mjs";
import { modelsSuite } from "./suites/models.mjs";
import { nativeSuites } from "./suites/native.mjs";
import { nodeSuites } from "./suites/node.mjs";
import { processorSeconds } from "./suites/processors.mjs";
import { vmSuite } from "./suites/vm.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * In the order in which they run: what fails fastest comes first. `long`: only by name; `inCi`: that, or where CI is set. `computes`: no
 * test of it is about time, so that it runs beside the others.
 */
const suites = [
  { name: "lint", run: lint },
  ...nodeSuites.fast,
  ...nativeSuites,
  instructionsSuite,
  { name: "compilers", inCi: true, computes: true, run: compilers },
  ...nodeSuites.slow,
  boxSuite,
  vmSuite,
  clientsSuite,
  modelsSuite,
];

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("--"));
const named = words.filter((word) => !options.includes(word));
const unknown = named.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(`No suite ${unknown.join(", ")}. There are: ${suites.map((suite) => suite.name).join(", ")}\n`);
  process.exit(2);
}

if (reportFile === null) {
  const setup = await run(root, process.execPath, ["deploy/setup.mjs", "--test"], { limitSeconds: 1800 });
  if (setup.status !== 0) process.exit(1);
} else stepBack();

mkdirSync(path.join(root, "build"), { recursive: true });
const isUsual = ({ long, inCi }) => !long && (!inCi || Boolean(process.env.CI));
const chosen = suites.filter((suite) => (named.length > 0 ? named.includes(suite.name) : isUsual(suite)));
const isAside = ({ name }) => suites.some((suite) => suite.name === name && suite.computes);
const aside = reportFile === null && !chosen.every(isAside) ? chosen.filter(isAside) : [];
const background = aside.length > 0 ? inBackground(root, [...new Set(aside.map(({ name }) => name))]) : null;

const reports = [];
for (const suite of chosen.filter((each) => !aside.includes(each))) {
  process.stdout.write(`\n== ${suite.name} ==\n`);
  const started = performance.now();
  const busyBefore = processorSeconds() - (background?.busy ?? 0);
  const result = await suite.run(root, options);
  const busy = processorSeconds() - (background?.busy ?? 0) - busyBefore;
  reports.push({ name: suite.name, seconds: (performance.now() - started) / 1000, busy, result });
}
if (background !== null) {
  process.stdout.write("\nWaiting for the suites beside these.\n");
  const ended = await background.ended;
  process.stdout.write(ended.output);
  reports.push(...ended.reports);
}
if (reportFile !== null) writeReports(reports);

const toLine = ({ name, seconds, busy, result: { passed = 0, failed = 0, skipped = 0, note = "" } }) => {
  const times = `${seconds.toFixed(1).padStart(6)} s (${busy.toFixed(0).padStart(4)} s of processors)`;
  return `${name.padEnd(11)} ${times}  ${passed} passed, ${failed} failed, ${skipped} skipped  ${note}`.trimEnd();
};
const total = (key) => reports.reduce((sum, { result }) => sum + (result[key] ?? 0), 0);
if (reportFile === null) {
  process.stdout.write(`\n${reports.map(toLine).join("\n")}\n`);
  process.stdout.write(`\n${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped\n`);
}
process.exitCode = total("failed") > 0 || total("passed") === 0 ? 1 : 0;
