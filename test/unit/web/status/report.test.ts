import assert from "node:assert/strict";
import test from "node:test";
import { isSlowed, memoryParts, type StatusReport } from "../../../../src/web/status/report.js";

const gigabyte = 1e9;
const model = {
  ...{ name: "m", phase: "ready", memoryBytes: gigabyte, architecture: null, weightType: null, contextTokens: null },
  ...{ isa: null, threads: null, tokensPerSecond: null, residency: null },
};
const report = (more: Partial<StatusReport>): StatusReport => ({
  ...{ uptimeSeconds: 1, models: [model], board: { name: null, cores: 4, kernel: "" }, clients: [] },
  memory: { residentBytes: 1.2 * gigabyte, totalBytes: 4 * gigabyte, availableBytes: 2.5 * gigabyte },
  pace: { cores: 4, threads: 4, workShare: 1, restraints: [], heat: { celsius: null, throttle: null } },
  ...more,
});
const sum = (parts: object) => Object.values(parts).reduce((all: number, each: number) => all + each, 0);

test("the parts of the memory are all of it, and none is below zero", () => {
  const parts = memoryParts(report({}));
  assert.deepEqual(
    Object.values(parts).map((bytes) => Math.round(bytes / 1e6)),
    [1200, 300, 2500],
  );
  // Pages of a model that the system counts as available, and a limit below what is resident.
  for (const [residentBytes, availableBytes] of [
    [0.3 * gigabyte, 3.9 * gigabyte],
    [4.1 * gigabyte, 1 * gigabyte],
    [3.5 * gigabyte, 3.4 * gigabyte],
  ] as const) {
    const odd = memoryParts(report({ memory: { residentBytes, totalBytes: 4 * gigabyte, availableBytes } }));
    assert.ok(
      Object.values(odd).every((bytes) => bytes >= 0),
      JSON.stringify(odd),
    );
    assert.equal(sum(odd), 4 * gigabyte);
  }
});

test("a board is slowed by fewer threads, rests or a restraint", () => {
  const { pace } = report({});
  assert.equal(isSlowed(report({})), false);
  assert.equal(isSlowed(report({ pace: { ...pace, threads: 3 } })), true);
  assert.equal(isSlowed(report({ pace: { ...pace, workShare: 0.8 } })), true);
  assert.equal(isSlowed(report({ pace: { ...pace, restraints: ["heat"] } })), true);
});
