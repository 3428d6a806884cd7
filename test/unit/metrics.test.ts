import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { Metrics } from "../../src/base/metrics.js";
import { collectHostMetrics } from "../../src/daemon/host-metrics.js";
import { collectWeightMetrics, describeResidency } from "../../src/service/weight-metrics.js";
import { temporaryFolder } from "../helpers/folder.js";
import { outcome, request, startScheduler, until } from "../helpers/scheduler.js";

/** The value of a metric with these labels, as it is rendered. */
async function value(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.render()).split("\n").find((each) => each.startsWith(`${name} `));
  assert.ok(line !== undefined, `no ${name}`);
  return Number(line.slice(name.length + 1));
}

test("how long requests wait, read, and take for each token is counted, by the clock", async () => {
  const { scheduler, engine, clock, metrics } = await startScheduler({ manual: true }, { maxSequences: 1 });
  const running = outcome(scheduler.submit(request("one", { maxTokens: 3 })));
  const waiting = outcome(scheduler.submit(request("two", { maxTokens: 1 })));
  await until(() => scheduler.busySlots === 1);
  for (const ms of [2000, 100, 300]) {
    await clock.advance(ms);
    await engine.release();
    await until(() => engine.held);
  }
  await running;
  await clock.advance(50);
  await engine.release();
  await waiting;
  const sums = {
    hearth_queue_seconds: 2.4,
    hearth_prefill_seconds: 2.05,
    hearth_time_to_first_token_seconds: 4.45,
    hearth_inter_token_seconds: 0.4,
    hearth_decode_seconds: 0.4,
  };
  for (const [name, sum] of Object.entries(sums)) {
    assert.ok(
      Math.abs((await value(metrics, `${name}_sum`)) - sum) < 1e-9,
      `${name} ${await value(metrics, `${name}_sum`)}`,
    );
    assert.equal(await value(metrics, `${name}_count`), 2, name);
  }
});

test("temperatures and memory are told where the machine tells them, and left out elsewhere", async (t) => {
  const folder = temporaryFolder(t);
  const zone = (name: string, type: string, temp: string) => {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, "type"), `${type}\n`);
    writeFileSync(path.join(folder, name, "temp"), temp);
  };
  zone("thermal_zone0", "cpu-thermal", "48312\n");
  zone("thermal_zone1", "off", "\u0000nonsense");
  mkdirSync(path.join(folder, "cooling_device0"));
  const memory = path.join(folder, "smaps_rollup");
  writeFileSync(
    memory,
    "Rss: 9 kB\nPss: 3000 kB\nPss_Anon:            1000 kB\nPss_File:           2000 kB\nPss_Shmem:             0 kB\n",
  );
  const metrics = new Metrics();
  collectHostMetrics(metrics, { thermal: folder, memory });
  assert.equal(await value(metrics, 'hearth_temperature_celsius{zone="0",type="cpu-thermal"}'), 48.312);
  assert.equal(await value(metrics, 'hearth_memory_pss_bytes{kind="anon"}'), 1_024_000);
  assert.ok(!(await metrics.render()).includes('zone="1"'));
  const bare = new Metrics();
  collectHostMetrics(bare, { thermal: path.join(folder, "none"), memory: path.join(folder, "none") });
  assert.ok(!/^hearth_(temperature|memory)/m.test(await bare.render()));
});

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
