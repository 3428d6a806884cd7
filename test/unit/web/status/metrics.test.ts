import assert from "node:assert/strict";
import test from "node:test";
import { lineOf, readMetrics, total, withPoint } from "../../../../src/web/status/metrics.js";

test("figures of the server are read, and an hour of them is kept", () => {
  const metrics = readMetrics('# HELP a b\na{kind="x\\"y",b="2"} 3\na{kind="z"} 4.5\nplain 1e3\n');
  assert.equal(total(metrics, "a"), 7.5);
  assert.equal(total(metrics, "plain"), 1000);
  assert.equal(total(metrics, "none"), 0);
  let points: readonly { at: number; value: number }[] = [];
  for (let i = 0; i < 2000; i++) points = withPoint(points, { at: i * 5000, value: i });
  assert.ok(points.length <= 721);
  assert.match(lineOf(points, { width: 100, height: 10, top: 2000 }), /100\.0,[\d.]+$/);
});
