/**
 * Runs the test suites: all but the long ones, or those named: `node test/run.mjs unit native`.
 * Words that begin with two hyphens are options of the suites named.
 * A suite that lacks a tool is skipped with the command that installs it. What is tested is built first where it is not current.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { boxSuite } from "./suites/box.mjs";
import { clientsSuite } from "./suites/clients.mjs";
import { run } from "./suites/command.mjs";
import { compilers } from "./suites/compilers.mjs";
import { lint } from "./suites/lint.mjs";
import { modelsSuite } from "./suites/models.mjs";
import { nativeSuites } from "./suites/native.mjs";
import { nodeSuites } from "./suites/node.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** In the order in which they run: what fails fastest comes first. `long`: only by name; `inCi`: that, or where CI is set. */
const suites = [
  { name: "lint", run: lint },
  ...nodeSuites.fast,
  ...nativeSuites,
  { name: "compilers", inCi: true, run: compilers },
  ...nodeSuites.slow,
  boxSuite,
  clientsSuite,
  modelsSuite,
];

/** The processor time of the commands that have ended, with their own. Beside the clock's it says whether a suite computes or waits. */
function secondsOfChildren() {
  const file = "/proc/self/stat";
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, "utf8").split(") ")[1].split(" ");
  const ticksPerSecond = 100; // USER_HZ, the same on every Linux
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith("--"));
const named = words.filter((word) => !options.includes(word));
const unknown = named.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(`No suite ${unknown.join(", ")}. There are: ${suites.map((suite) => suite.name).join(", ")}\n`);
  process.exit(2);
}

const setup = await run(root, process.execPath, ["deploy/setup.mjs", "--test"], { limitSeconds: 1800 });
if (setup.status !== 0) process.exit(1);

mkdirSync(path.join(root, "build"), { recursive: true });
const isUsual = ({ long, inCi }) => !long && (!inCi || Boolean(process.env.CI));
const chosen = suites.filter((suite) => (named.length > 0 ? named.includes(suite.name) : isUsual(suite)));
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const suite of chosen) {
  process.stdout.write(`\n== ${suite.name} ==\n`);
  const started = performance.now();
  const busyBefore = secondsOfChildren();
  const result = await suite.run(root, options);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const busy = (secondsOfChildren() - busyBefore).toFixed(0);
  for (const key of Object.keys(total)) total[key] += result[key] ?? 0;
  const { passed = 0, failed = 0, skipped = 0, note = "" } = result;
  lines.push(
    `${suite.name.padEnd(11)} ${seconds.padStart(6)} s (${busy.padStart(4)} s of processors)  ${passed} passed, ${failed} failed, ${skipped} skipped  ${note}`,
  );
}

process.stdout.write(`\n${lines.map((line) => line.trimEnd()).join("\n")}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
