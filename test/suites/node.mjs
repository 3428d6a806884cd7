/** The suites in TypeScript: every folder of test/ with *.test.ts files is one, run by node's own test runner. */
import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { filesUnder } from "../../deploy/files.mjs";
import { newestNode } from "../helpers/newest-node.mjs";
import { run } from "./command.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const testFiles = (name) => filesUnder(root, path.join("test", name)).filter((file) => file.endsWith(".test.ts"));

const suites = readdirSync(path.join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && testFiles(entry.name).length > 0)
  .map(({ name }) => ({ name, long: ["browser", "package", "soak"].includes(name), run: () => runFolder(name) }));

export const nodeSuites = {
  fast: suites.filter(({ name }) => name === "unit"),
  slow: [...suites.filter(({ name }) => name !== "unit"), { name: "newest-node", inCi: true, run: runOnNewestNode }],
};

/** The suite api again, on the newest Node there is, which also runs the daemons: this machine's is often the oldest that will do. */
async function runOnNewestNode() {
  const node = newestNode();
  if (node !== null) return runFolder("api", { node, label: "newest-node" });
  const note = `skipped: npm cannot get the package node-linux-${process.arch} from its registry`;
  process.stdout.write(`${note}\n`);
  return { skipped: 1, note };
}

/** Runs as many files at a time as there are cores: by itself Node runs one less, which is one of the two of many machines. */
function concurrency() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const known = major > 20 || minor >= 10;
  return known ? [`--test-concurrency=${os.availableParallelism()}`] : [];
}

async function runFolder(name, { node = process.execPath, label = name } = {}) {
  const summary = path.join(root, "build", `${label}.tap`);
  const reporters = [
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=tap", `--test-reporter-destination=${summary}`],
  ];
  const args = ["--import", "tsx", "--test", ...concurrency(), ...reporters, ...testFiles(name)];
  const { status } = await run(root, node, args, { limitSeconds: ["soak", "package"].includes(name) ? 3600 : 600 });
  const tap = status === null ? "" : readFileSync(summary, "utf8");
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const failed = count("fail") + count("cancelled");
  // A runner that failed without a failed test failed all the same.
  return { passed: count("pass"), failed: failed === 0 && status !== 0 ? 1 : failed, skipped: count("skipped") };
}
