import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { Metrics } from "../../../src/base/metrics.js";
import { collectHostMetrics } from "../../../src/daemon/host-metrics.js";
import { temporaryFolder } from "../../helpers/folder.js";

/** The value of a metric with these labels, as it is rendered. */
async function value(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.render()).split("\n").find((each) => each.startsWith(`${name} `));
  assert.ok(line !== undefined, `no ${name}`);
  return Number(line.slice(name.length + 1));
}

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
