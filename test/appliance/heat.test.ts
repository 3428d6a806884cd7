/** A daemon on a board whose sensors are files of the test: heat slows it down, is told, and changes no answer. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";

/** The folder of a Raspberry Pi's files; the result writes its temperature and the firmware's flags. */
function board(t: TestContext) {
  const root = temporaryFolder(t);
  const zone = path.join(root, "sys/class/thermal/thermal_zone0");
  const firmware = path.join(root, "sys/devices/platform/soc/soc:firmware");
  for (const folder of [zone, firmware]) mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(zone, "type"), "cpu-thermal\n");
  const set = (celsius: number, flags: string) => {
    writeFileSync(path.join(zone, "temp"), `${1000 * celsius}\n`);
    writeFileSync(path.join(firmware, "get_throttled"), `${flags}\n`);
  };
  set(45, "0");
  return { root, set };
}

async function answer({ url }: TestDaemon): Promise<string> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", prompt: "Once upon a time", max_tokens: 120, temperature: 0 }),
  });
  const { choices } = (await response.json()) as { choices: { text: string }[] };
  return choices[0]?.text ?? "";
}

async function untilMetric(daemon: TestDaemon, name: string, holds: (value: number) => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (holds(await daemon.metric(name))) return;
    await sleep(100);
  }
  assert.fail(`${name} stays ${await daemon.metric(name)}`);
}

test("a hot board computes with few threads and rests, gives the same answer, and says so", async (t) => {
  const { root, set } = board(t);
  const daemon = await startDaemon(t, {
    model: "spark",
    env: { HEARTH_MACHINE_ROOT: root, HEARTH_PREFIX_DISK_BYTES: "0" },
  });
  await daemon.logged("the model is ready");
  const cool = await answer(daemon);
  assert.ok(cool.length > 40, cool);
  assert.equal(await daemon.metric("hearth_governor_work_share"), 1);
  set(84, "6");
  await untilMetric(daemon, "hearth_governor_work_share", (share) => share < 0.6);
  assert.equal(await daemon.metric("hearth_governor_threads"), 1);
  assert.equal(await answer(daemon), cool);
  const status = (await (await fetch(`${daemon.url}/hearth/v1/status`)).json()) as { pace: { restraints: string[] } };
  assert.deepEqual(status.pace.restraints, ["heat"]);
  assert.match(
    await (await fetch(`${daemon.url}/metrics`)).text(),
    /^hearth_throttled\{flag="throttled",when="now"\} 1$/m,
  );
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200);
  set(50, "60000");
  await untilMetric(daemon, "hearth_governor_work_share", (share) => share === 1);
  assert.equal(await answer(daemon), cool);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("a weak power supply is a condition of health, and the daemon stays ready", async (t) => {
  const { root, set } = board(t);
  const daemon = await startDaemon(t, { model: "spark", env: { HEARTH_MACHINE_ROOT: root } });
  await daemon.logged("the model is ready");
  set(45, "50005");
  await daemon.logged("the board sets the pace");
  const response = await fetch(`${daemon.url}/readyz`);
  assert.equal(response.status, 200);
  const { conditions } = (await response.json()) as {
    conditions: { name: string; healthy: boolean; reason: string }[];
  };
  assert.match(conditions.find(({ name }) => name === "power")?.reason ?? "", /under-voltage/);
});
