import assert from "node:assert/strict";
import test from "node:test";

/** Counts by type, board and step. */
type Counts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;
interface Gate {
  readonly tolerance: number;
  compare(counts: Counts, stored: Counts): { failed: number; lines: string[] };
}

const { compare, tolerance }: Gate = await import(String(new URL("../suites/instructions.mjs", import.meta.url)));

const counts = (decode: number, prefill: number) => ({ q4_0: { "cortex-a72": { decode, prefill } } });

test("counts of instructions may rise by the tolerance, and not by more", () => {
  const stored = counts(1000, 500);
  assert.equal(compare(counts(999 * (1 + tolerance), 500), stored).failed, 0);
  const { failed, lines } = compare(counts(1001 * (1 + tolerance), 400), stored);
  assert.equal(failed, 1);
  assert.match(lines[0] ?? "", /decode.*TOO MANY$/);
  assert.match(lines[1] ?? "", /prefill.*-20\.00 %, fewer: store them$/);
});

test("a count that was not stored is no pass", () => {
  assert.equal(compare(counts(1, 1), {}).failed, 2);
  assert.equal(compare(counts(1, 1), { q4_0: { "cortex-a72": { decode: 1 } } }).failed, 1);
});
