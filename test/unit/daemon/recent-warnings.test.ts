import assert from "node:assert/strict";
import test from "node:test";
import { createLogger } from "../../../src/base/logger.js";
import { RecentWarnings } from "../../../src/daemon/recent-warnings.js";

test("the newest warnings are kept in words, equal ones that follow each other once, and no more than some", () => {
  const warnings = new RecentWarnings();
  const options = { level: "info", prompts: false, onWarning: (line: string) => warnings.take(line) } as const;
  const logger = createLogger(options, { write: () => {} });
  logger.info("all is well");
  logger.error({ code: "FILE_CHANGED", err: new Error("It changed.") }, "an engine step failed");
  for (let i = 0; i < 3; i++) logger.warn({ condition: "storage", reason: "The card is full." }, "unhealthy");
  const [last, first, ...others] = warnings.list;
  assert.deepEqual(others, []);
  assert.deepEqual([last?.level, last?.text, last?.times], ["warn", "unhealthy: The card is full.", 3]);
  assert.deepEqual([first?.level, first?.text], ["error", "an engine step failed: FILE_CHANGED: It changed."]);
  assert.ok(Math.abs((last?.at ?? 0) - Date.now()) < 60_000);
  for (let i = 0; i < 100; i++) logger.warn({ reason: `${i} ${"x".repeat(5000)}` }, "unhealthy");
  assert.equal(warnings.list.length, 20);
  assert.ok(warnings.list.every(({ text }) => text.length <= 500));
  assert.match(warnings.list[0]?.text ?? "", /99/);
  warnings.take("no entry of the log");
  assert.equal(warnings.list.length, 20);
});
