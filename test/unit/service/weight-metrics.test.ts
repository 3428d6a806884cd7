import assert from "node:assert/strict";
import test from "node:test";
import { Metrics } from "../../../src/base/metrics.js";
import { collectWeightMetrics, describeResidency } from "../../../src/service/weight-metrics.js";
import { startScheduler } from "../../helpers/scheduler.js";

/** The value of a metric with these labels, as it is rendered. */
async function value(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.render()).split("\n").find((each) => each.startsWith(`${name} `));
  assert.ok(line !== undefined, `no ${name}`);
  return Number(line.slice(name.length + 1));
}

test("of a model that does not fit it is told what stays, what is read, and what that takes", async () => {
  const residency = {
    keptBytes: 2_400_000_000,
    lockedBytes: 8_000_000,
    residentBytes: 2_300_000_000,
    streamedBytes: 1_390_000_000,
    ringBytes: 50_000_000,
    budgetBytes: 3_000_000_000,
    limit: "the machine's free memory",
    readBytes: 2_780_000_000,
    readingMs: 7000,
    waitedMs: 1500,
  };
  const { engine } = await startScheduler({ residency });
  const { engine: fitting } = await startScheduler();
  const metrics = new Metrics();
  collectWeightMetrics(metrics, () => [
    { name: "large", loaded: { engine } },
    { name: "small", loaded: { engine: fitting } },
  ]);
  assert.equal(await value(metrics, 'hearth_weights_bytes{model="large",place="kept"}'), 2_400_000_000);
  assert.equal(await value(metrics, 'hearth_weights_bytes{model="large",place="locked"}'), 8_000_000);
  assert.equal(await value(metrics, 'hearth_weights_bytes{model="large",place="resident"}'), 2_300_000_000);
  assert.equal(await value(metrics, 'hearth_weights_bytes{model="large",place="streamed"}'), 1_390_000_000);
  assert.equal(await value(metrics, 'hearth_weights_bytes{model="large",place="ring"}'), 50_000_000);
  assert.equal(await value(metrics, 'hearth_weights_read_bytes{model="large"}'), 2_780_000_000);
  assert.equal(await value(metrics, 'hearth_weights_reading_seconds{model="large"}'), 7);
  assert.equal(await value(metrics, 'hearth_weights_waited_seconds{model="large"}'), 1.5);
  assert.ok(!(await metrics.render()).includes("small"));
  assert.equal(describeResidency(residency), "2.4 of 3.8 GB in memory, 1.4 GB read for each token");
});
