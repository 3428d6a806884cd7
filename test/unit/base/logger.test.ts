import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../../src/base/logger.js";

/** The line that a logger of these options writes for one call. */
function logged(prompts: boolean, fields: object): string {
  let output = "";
  const logger = createLogger({ level: "info", prompts }, { write: (line) => (output += line) });
  logger.info(fields, "event");
  return output;
}

test("a log line is one JSON object with time, level and message", () => {
  const line = JSON.parse(logged(false, { slot: 3 }));
  assert.equal(line.level, "info");
  assert.equal(line.msg, "event");
  assert.equal(line.slot, 3);
  assert.ok(!Number.isNaN(Date.parse(line.time)));
});

test("prompts and answers are not in the log unless the configuration asks for them", () => {
  const fields = { input: "private", request: { instructions: "private", messages: ["private"] }, delta: "private" };
  assert.ok(!logged(false, fields).includes("private"));
  assert.match(logged(true, fields), /private/);
});

test("warnings and worse are shown to whoever wants to see them, and written as the others are", () => {
  const [written, seen]: string[][] = [[], []];
  const options = {
    level: "info",
    prompts: false,
    priorities: true,
    onWarning: (line: string) => seen?.push(line),
  } as const;
  const logger = createLogger(options, { write: (line) => written?.push(line) });
  for (const level of ["info", "warn", "debug", "error"] as const) logger[level](level);
  assert.deepEqual(
    seen?.map((line) => JSON.parse(line).msg),
    ["warn", "error"],
  );
  assert.deepEqual(
    written?.map((line) => line.slice(0, 3)),
    ["<6>", "<4>", "<3>"],
  );
});

test("keys are never in the log", () => {
  const fields = {
    authorization: "Bearer hunter2",
    headers: { authorization: "hunter2", cookie: "hunter2" },
    apiKey: "hunter2",
  };
  assert.ok(!logged(true, fields).includes("hunter2"));
  assert.match(logged(true, fields), /\[redacted\]/);
});
