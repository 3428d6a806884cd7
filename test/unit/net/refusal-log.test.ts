import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { HearthError } from "../../../src/base/errors.js";
import { createLogger } from "../../../src/base/logger.js";
import { RefusalLog } from "../../../src/net/refusal-log.js";

function setUp() {
  const clock = new FakeClock();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "info", prompts: false }, { write: (line) => lines.push(JSON.parse(line)) });
  return { clock, lines, log: new RefusalLog({ clock, logger }) };
}
const origin = (page: string) => new HearthError("ORIGIN_REFUSED", `Pages of ${page} may not use this server.`);

test("a refused origin is logged at once and then once a minute, with how often it came", async () => {
  const { clock, lines, log } = setUp();
  for (let second = 0; second < 130; second++) {
    log.note(origin("http://evil.example"), "192.168.1.7", "http://evil.example");
    await clock.advance(1000);
  }
  assert.deepEqual(
    lines.map(({ times }) => times),
    [1, 60, 60],
  );
  const { level, code, from, page, msg } = lines[0] ?? {};
  assert.deepEqual(
    { level, code, from, page, msg },
    { level: "warn", code: "ORIGIN_REFUSED", from: "192.168.1.7", page: "http://evil.example", msg: "refused" },
  );
});

test("another origin is not hidden by one that keeps coming", () => {
  const { lines, log } = setUp();
  for (let i = 0; i < 100; i++) log.note(origin("http://evil.example"), "192.168.1.7", "http://evil.example");
  log.note(origin("http://kiosk.lan"), "192.168.1.8", "http://kiosk.lan");
  assert.deepEqual(
    lines.map(({ page }) => page),
    ["http://evil.example", "http://kiosk.lan"],
  );
});

test("origins that are made up do not fill the log", async () => {
  const { clock, lines, log } = setUp();
  for (let i = 0; i < 10_000; i++) {
    log.note(origin("x"), "192.168.1.7", `http://${i}.example/${"x".repeat(1000)}`);
    if (i % 1000 === 0) await clock.advance(1000);
  }
  assert.ok(lines.length <= 20, `${lines.length} lines`);
  for (const line of lines) assert.ok(JSON.stringify(line).length < 600);
});

test("errors that are between a request and its client are not logged as refusals", () => {
  const { lines, log } = setUp();
  log.note(new HearthError("REQUEST_INVALID", "temperature is 11."), "192.168.1.7");
  assert.deepEqual(lines, []);
});
