/** The suites in TypeScript: every folder of test/ with *.test.ts files is one, run by node's own test runner. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder } from "../../deploy/files.mjs";
import { run } from "./command.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const testFiles = (name) => filesUnder(root, path.join("test", name)).filter((file) => file.endsWith(".test.ts"));

const suites = readdirSync(path.join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && testFiles(entry.name).length > 0)
  .map(({ name }) => ({ name, long: name === "soak", run: () => runFolder(name) }));

export const nodeSuites = {
  fast: suites.filter(({ name }) => name === "unit"),
  slow: suites.filter(({ name }) => name !== "unit"),
};

async function runFolder(name) {
  const summary = path.join(root, "build", `${name}.tap`);
  const reporters = [
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=tap", `--test-reporter-destination=${summary}`],
  ];
  const args = ["--import", "tsx", "--test", ...reporters, ...testFiles(name)];
  const { status } = await run(root, process.execPath, args, { limitSeconds: name === "soak" ? 3600 : 600 });
  const tap = status === null ? "" : readFileSync(summary, "utf8");
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const failed = count("fail") + count("cancelled");
  // A runner that failed without a failed test failed all the same.
  return { passed: count("pass"), failed: failed === 0 && status !== 0 ? 1 : failed, skipped: count("skipped") };
}
