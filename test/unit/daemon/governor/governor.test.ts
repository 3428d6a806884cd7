import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import { Health } from "../../../../src/base/health.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { Metrics } from "../../../../src/base/metrics.js";
import { Governor, type GovernorConfig } from "../../../../src/daemon/governor/governor.js";
import { collectGovernorMetrics } from "../../../../src/daemon/governor/metrics.js";
import { isQuiet } from "../../../../src/daemon/governor/quiet-hours.js";
import { splitPower } from "../../../../src/daemon/governor/split.js";
import { Yielding } from "../../../../src/daemon/governor/yielding.js";
import type { MachineFiles } from "../../../../src/machine/files.js";
import { StepAllowance } from "../../../../src/scheduler/allowance.js";
import { HotBoard, type HotBoardOptions, limitCelsius } from "../../../helpers/hot-board.js";
import { SimulatedFiles } from "../../../helpers/machine.js";

const cores = 4;
const defaults: GovernorConfig = {
  "governor.heat": true,
  "governor.temperature_celsius": 0,
  "governor.yield": true,
  "governor.quiet_hours": [],
  "governor.quiet_percent": 50,
};

function startGovernor(files: MachineFiles, config: Partial<GovernorConfig> = {}, clock = new FakeClock()) {
  const allowance = new StepAllowance(clock);
  const health = new Health(clock);
  const governor = new Governor(
    { ...defaults, ...config },
    { clock, files, allowance, health, logger: silentLogger(), cores, isBusy: () => true },
  );
  governor.start();
  return { clock, allowance, health, governor };
}

/** A chip on a small heat sink, in figures of a Raspberry Pi 5 without a fan: at full work it would reach 110 degrees. */
const weaklyCooled: HotBoardOptions = {
  roomCelsius: 25,
  idleWatts: 2,
  threadWatts: 1.4,
  chipResistance: 3,
  sinkResistance: 8,
  chipCapacity: 2,
  sinkCapacity: 40,
  speeds: [0.42, 0.76, 0.94, 1],
};
const boards: Readonly<Record<string, HotBoardOptions>> = {
  "writes answers on a small heat sink": weaklyCooled,
  "reads prompts on a small heat sink": { ...weaklyCooled, speeds: [0.25, 0.5, 0.75, 1] },
  "has no heat sink at all": { ...weaklyCooled, chipResistance: 12, sinkResistance: 5, chipCapacity: 3 },
  "is in a hot cupboard": { ...weaklyCooled, roomCelsius: 48 },
  "has a heavy case": { ...weaklyCooled, chipResistance: 4, sinkResistance: 6, sinkCapacity: 250 },
  "has a fan": { ...weaklyCooled, sinkResistance: 2 },
};

/**
 * Steps one after the other, as the scheduler takes them: of the same work, or `fixed`, as those of prompts, of the same time. Returns the
 * mean speed of the time after `warmMs`.
 */
async function compute(
  board: HotBoard,
  { clock, allowance }: ReturnType<typeof startGovernor>,
  { durationMs, warmMs, stepMs, fixed }: { durationMs: number; warmMs: number; stepMs: number; fixed?: true },
): Promise<number> {
  const pass = async (ms: number, threads: number) => {
    board.pass(ms, threads);
    await clock.advance(ms);
  };
  let workMs = 0;
  while (clock.now() < durationMs) {
    const threads = Math.min(cores, allowance.threads);
    const speed = board.options.speeds[threads - 1] ?? 1;
    const computeMs = fixed ? stepMs : stepMs / speed;
    for (let leftMs = computeMs; leftMs > 0; leftMs -= 200) await pass(Math.min(200, leftMs), threads);
    if (clock.now() > warmMs) workMs += computeMs * speed;
    allowance.worked(computeMs);
    let resting = true;
    void (allowance.rest() ?? Promise.resolve()).then(() => {
      resting = false;
    });
    await clock.advance(0);
    while (resting) await pass(20, 0);
  }
  return workMs / (durationMs - warmMs);
}

for (const [name, options] of Object.entries(boards)) {
  test(`a board that ${name} stays below its limit, at nearly the best speed`, async () => {
    const board = new HotBoard(options);
    const rig = startGovernor(board.files);
    const speed = await compute(board, rig, { durationMs: 3_600_000, warmMs: 1_800_000, stepMs: 200 });
    await rig.governor.stop();
    assert.ok(board.hottestCelsius < limitCelsius, `it reached ${board.hottestCelsius}`);
    assert.ok(speed >= 0.85 * board.bestConstantSpeed(), `${speed} of ${board.bestConstantSpeed()}`);
  });
}

test("long steps of a prompt, and a room that warms by ten degrees, do not lead over the limit", async () => {
  const board = new HotBoard({ ...weaklyCooled, speeds: [0.25, 0.5, 0.75, 1] });
  const rig = startGovernor(board.files);
  await compute(board, rig, { durationMs: 900_000, warmMs: 0, stepMs: 1000, fixed: true });
  board.roomCelsius += 10;
  const speed = await compute(board, rig, { durationMs: 3_600_000, warmMs: 1_800_000, stepMs: 1000, fixed: true });
  await rig.governor.stop();
  assert.ok(board.hottestCelsius < limitCelsius, `it reached ${board.hottestCelsius}`);
  assert.ok(speed >= 0.85 * board.bestConstantSpeed(), `${speed} of ${board.bestConstantSpeed()}`);
});

test("without the governor the same board gets hotter than its limit", async () => {
  const board = new HotBoard(weaklyCooled);
  const rig = startGovernor(board.files, { "governor.heat": false });
  await compute(board, rig, { durationMs: 1_800_000, warmMs: 0, stepMs: 200 });
  await rig.governor.stop();
  assert.ok(board.hottestCelsius > 100);
});

test("heat that lasts is told in the state, the metrics and the health, and the daemon stays ready", async () => {
  const board = new HotBoard(boards["is in a hot cupboard"] ?? weaklyCooled);
  const rig = startGovernor(board.files);
  const metrics = new Metrics();
  collectGovernorMetrics(metrics, () => rig.governor.state);
  await compute(board, rig, { durationMs: 900_000, warmMs: 0, stepMs: 200 });
  assert.ok(rig.governor.state.restraints.includes("heat"));
  assert.match(rig.health.get("heat")?.reason ?? "", /fan/);
  assert.ok(rig.health.healthy);
  const text = await metrics.render();
  assert.match(text, /^hearth_governor_restraint\{reason="heat"\} 1$/m);
  assert.match(text, /^hearth_temperature_limit_celsius 80$/m);
  assert.match(text, /^hearth_governor_work_share 0\.\d+$/m);
  assert.match(text, /^hearth_throttled\{flag="throttled",when="now"\} 0$/m);
  for (let i = 0; i < 1200; i++) {
    board.pass(1000, 0);
    await rig.clock.advance(1000);
  }
  assert.equal(rig.health.get("heat")?.healthy, true);
  assert.equal(rig.allowance.workShare, 1);
  await rig.governor.stop();
});

test("without sensors nothing is limited and nothing breaks", async () => {
  const { clock, allowance, governor, health } = startGovernor(new SimulatedFiles());
  for (let i = 0; i < 60; i++) await clock.advance(1000);
  assert.deepEqual([allowance.threads, allowance.workShare], [cores, 1]);
  assert.equal(governor.state.heat.celsius, null);
  assert.deepEqual(health.conditions(), []);
  await governor.stop();
});

test("sensors that go away in the middle of the heat set the board free", async () => {
  const board = new HotBoard(weaklyCooled);
  const rig = startGovernor(board.files);
  await compute(board, rig, { durationMs: 900_000, warmMs: 0, stepMs: 200 });
  assert.ok(rig.allowance.workShare < 1 || rig.allowance.threads < cores);
  board.files.texts.set("/sys/class/thermal/thermal_zone0/temp", "");
  await rig.clock.advance(5000);
  assert.deepEqual([rig.allowance.threads, rig.allowance.workShare], [cores, 1]);
  await rig.governor.stop();
});

test("a weak power supply is asked for half until it has held for a minute", async () => {
  const flag = "/sys/class/hwmon/hwmon1/in0_lcrit_alarm";
  const files = new SimulatedFiles({ "/sys/class/hwmon/hwmon1/name": "rpi_volt", [flag]: "0" });
  const { clock, allowance, health, governor } = startGovernor(files);
  await clock.advance(2000);
  assert.equal(allowance.threads, cores);
  files.texts.set(flag, "1");
  await clock.advance(1000);
  assert.deepEqual([allowance.threads, allowance.workShare], [2, 1]);
  assert.match(health.get("power")?.reason ?? "", /under-voltage/);
  assert.ok(health.healthy);
  files.texts.set(flag, "0");
  await clock.advance(30_000);
  assert.equal(allowance.threads, 2);
  await clock.advance(40_000);
  assert.equal(allowance.threads, cores);
  assert.equal(health.get("power")?.healthy, true);
  await governor.stop();
});

/** A machine on which another program wants a processor for a part of the time. */
function crowded(source: "pressure" | "schedstat", clock: FakeClock) {
  const machine = { waiting: 0, waitedMs: 0, at: 0 };
  const sum = () => {
    machine.waitedMs += machine.waiting * (clock.now() - machine.at);
    machine.at = clock.now();
    return machine.waitedMs;
  };
  const files = new SimulatedFiles(
    source === "pressure"
      ? { "/proc/pressure/cpu": () => `some avg10=1.00 avg60=1.00 avg300=1.00 total=${Math.round(1000 * sum())}\n` }
      : {
          "/proc/schedstat": () => {
            const half = Math.round((1e6 * sum()) / 2);
            return `version 15\ntimestamp 1\ncpu0 0 0 1 2 3 4 500 ${half} 9\ndomain0 3 1 2 3\ncpu1 0 0 1 2 3 4 500 ${half} 9\n`;
          },
        },
  );
  return { machine, files, sum };
}

for (const source of ["pressure", "schedstat"] as const) {
  test(`others that wait for a processor get threads, and give them back (${source})`, async () => {
    const clock = new FakeClock();
    const { machine, files, sum } = crowded(source, clock);
    const { allowance, governor } = startGovernor(files, {}, clock);
    await clock.advance(10_000);
    assert.equal(allowance.threads, cores);
    sum();
    machine.waiting = 0.9;
    await clock.advance(6000);
    assert.ok(allowance.threads < cores);
    assert.deepEqual(governor.state.restraints, ["others"]);
    await clock.advance(60_000);
    assert.equal(allowance.threads, 1);
    sum();
    machine.waiting = 0;
    await clock.advance(120_000);
    assert.equal(allowance.threads, cores);
    await governor.stop();
  });
}

test("nobody gets threads where the configuration says so", async () => {
  const clock = new FakeClock();
  const { machine, files } = crowded("pressure", clock);
  const { allowance, governor } = startGovernor(files, { "governor.yield": false }, clock);
  machine.waiting = 1;
  await clock.advance(60_000);
  assert.equal(allowance.threads, cores);
  await governor.stop();
});

test("a thread that crowds others as soon as it is taken back is taken back seldomer and seldomer", () => {
  const yielding = new Yielding(4);
  let takes = 0;
  const takesIn = (minutes: number) => {
    takes = 0;
    for (let second = 0; second < 60 * minutes; second++) {
      const before = yielding.threads;
      // Another program wants one of the four processors all the time.
      if (yielding.observe(before === 4 ? 0.9 : 0, 1000) > before) takes++;
    }
    return takes;
  };
  assert.ok(takesIn(5) >= 2);
  assert.ok(takesIn(30) <= 8);
});

test("quiet hours halve the power, over midnight too", async () => {
  const at = (time: string) => new Date(`2026-11-30T${time}:00`);
  assert.ok(isQuiet(["22:00-07:00"], at("23:10")));
  assert.ok(isQuiet(["22:00-07:00"], at("06:59")));
  assert.ok(!isQuiet(["22:00-07:00"], at("07:00")));
  assert.ok(isQuiet(["13:00-14:00", "22:00-07:00"], at("13:30")));
  assert.ok(!isQuiet([], at("13:30")));
  const all = { "governor.quiet_hours": ["00:00-23:59", "23:59-00:00"], "governor.quiet_percent": 40 };
  const { clock, allowance, governor } = startGovernor(new SimulatedFiles(), all);
  await clock.advance(1000);
  assert.equal(allowance.threads * allowance.workShare, 0.4 * cores);
  assert.deepEqual(governor.state.restraints, ["quiet hours"]);
  await governor.stop();
});

test("power is split into the fewest threads and rests", () => {
  assert.deepEqual(splitPower(1, 4, 4), { threads: 4, workShare: 1 });
  assert.deepEqual(splitPower(0.5, 4, 4), { threads: 2, workShare: 1 });
  assert.deepEqual(splitPower(0.6, 4, 4), { threads: 3, workShare: 2.4 / 3 });
  assert.deepEqual(splitPower(0.55, 4, 4), { threads: 2, workShare: 1 });
  assert.deepEqual(splitPower(0.1, 4, 4), { threads: 1, workShare: 0.4 });
  assert.deepEqual(splitPower(1, 4, 2), { threads: 2, workShare: 1 });
});
