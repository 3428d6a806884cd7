/** Prefixes that outlive their slot, in memory, and the process, on disk: scheduler, service and store with the fake engine. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { pino } from "pino";
import { FakeClock } from "../../src/base/clock.js";
import { Metrics } from "../../src/base/metrics.js";
import type { EngineOptions } from "../../src/engine/contract.js";
import { DiskSnapshots } from "../../src/service/disk-snapshots.js";
import { SnapshotMetrics } from "../../src/service/snapshot-metrics.js";
import { type SnapshotFileLimits, SnapshotFiles } from "../../src/store/snapshot-files.js";
import { FakeEngineModule, type FakeOptions } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { outcome, request, schedulerOn, until } from "../helpers/scheduler.js";

const dayMs = 86_400_000;
const idleMs = 30_000;
const system = (house: string) => `You are the voice of ${house}. ${`${house} has many rooms. `.repeat(20)}`;

interface RunOptions {
  readonly fake?: FakeOptions;
  readonly engine?: Partial<EngineOptions>;
  readonly limits?: Partial<SnapshotFileLimits>;
  /** The path of the model's file. */
  readonly model?: string;
  readonly build?: string;
  readonly clock?: FakeClock;
}

/** Runs one process of the daemon, on a folder that outlives it. */
async function run(folder: string, options: RunOptions = {}) {
  const module = new FakeEngineModule(options.fake);
  const model = await module.loadModel(options.model ?? "fake.gguf", { vocabularyOnly: false });
  const engine = await module.createEngine(model, {
    threads: 1,
    decodeThreads: 0,
    maxSequences: 2,
    contextTokens: 2048,
    kvTokens: 0,
    maxBatchTokens: 256,
    isa: "",
    ...options.engine,
  });
  const clock = options.clock ?? new FakeClock();
  const log: { msg: string; level: number }[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  const limits = { bytes: 1e9, bytesADay: 1e9, ...options.limits };
  const files = new SnapshotFiles(folder, options.build ?? module.buildId(), limits, { clock, logger, locker: module });
  await files.start();
  const registry = new Metrics();
  const snapshotMetrics = new SnapshotMetrics(registry, () => files.bytes);
  const snapshots = await DiskSnapshots.open(engine, model.info, 256, { files, logger, metrics: snapshotMetrics });
  const { scheduler, metrics } = schedulerOn(engine, { snapshots: { idleMs, minTokens: 256 } }, snapshots, clock);
  const ask = async (text: string) => {
    const { text: answer, end, error } = await outcome(scheduler.submit(request(text)));
    assert.equal(error, null);
    return { answer, cached: end?.usage.cachedTokens ?? -1 };
  };
  /** Lets the time pass after which prefixes are written, and the writing end. */
  const rest = async () => {
    await until(() => !scheduler.progress().busy);
    await clock.advance(idleMs);
    await scheduler.saveSnapshots(1e9);
  };
  const stored = () => readdirSync(folder).filter((name) => name.endsWith(".kv"));
  return { module, engine, scheduler, clock, log, files, metrics, registry, ask, rest, stored };
}

const folderOf = (t: TestContext) => path.join(temporaryFolder(t), "prefixes");

async function value(metrics: Metrics, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics.render())?.[1]);
}

test("prefixes outlive their slot for as long as there is memory, and the answers are those without", async (t) => {
  const houses = ["the mill", "the barn", "the tower", "the cabin"];
  const prompts = houses.flatMap((house) => [`${system(house)}Lights?`]);
  const off = await run(folderOf(t), { engine: { maxSequences: 1 } });
  const on = await run(folderOf(t), { engine: { maxSequences: 1, prefixBytes: 4 * 2048 * 128 } });
  for (const prompt of prompts) assert.equal((await on.ask(prompt)).answer, (await off.ask(prompt)).answer);
  for (const prompt of prompts) {
    const [kept, lost] = [await on.ask(`${prompt} Heating?`), await off.ask(`${prompt} Heating?`)];
    assert.equal(kept.answer, lost.answer);
    assert.equal(kept.cached, prompt.length + 1);
    assert.ok(lost.cached < 30, "one slot has one prefix");
  }
  assert.ok(on.scheduler.busySlots === 0 && on.engine.openSequences <= 9);
});

test("no more requests run at once than before", async (t) => {
  const { scheduler, engine } = await run(folderOf(t), { engine: { prefixBytes: 1e6 } });
  const answers = Array.from({ length: 9 }, (_, i) => outcome(scheduler.submit(request(`${system(`house ${i}`)}`))));
  for (const { error } of await Promise.all(answers)) assert.equal(error, null);
  assert.ok(engine.plans.every(({ chunks }) => chunks.length <= 2));
});

test("a pinned prefix stays when others have to go, and is not taken over", async (t) => {
  const { scheduler, ask, engine } = await run(folderOf(t), { engine: { prefixBytes: 300 * 128, kvTokens: 1500 } });
  const pinned = system("the pinned one");
  await outcome(scheduler.submit(request(pinned, { maxTokens: 0, pinned: true })));
  for (let i = 0; i < 20; i++) await ask(`${system(`house ${i}`)}And ${i}?`);
  assert.equal((await ask(`${pinned}Lights?`)).cached, pinned.length + 1);
  assert.equal((await ask(`${pinned}Heating?`)).cached, pinned.length + 1);
  assert.ok(engine.freeKvTokens() >= 0);
});

test("requests that begin alike and come together read it once", async (t) => {
  const { scheduler, engine, ask } = await run(folderOf(t), { engine: { maxSequences: 4, maxBatchTokens: 64 } });
  const begin = system("the mill");
  const expected = await (await run(folderOf(t))).ask(`${begin}Question 2?`);
  const answers = await Promise.all([0, 1, 2, 3].map((i) => ask(`${begin}Question ${i}?`)));
  assert.equal(answers[2]?.answer, expected.answer);
  const read = engine.plans.flatMap(({ chunks }) => chunks.map(({ tokens }) => tokens.length)).filter((n) => n > 1);
  assert.ok(read.reduce((sum, n) => sum + n, 0) < begin.length * 1.5, `${read}`);
  assert.equal(scheduler.busySlots, 0);
});

test("one that waits for another's prefix goes its own way when that one is cancelled", async (t) => {
  const { scheduler, engine } = await run(folderOf(t), { fake: { manual: true }, engine: { maxBatchTokens: 64 } });
  const begin = system("the mill");
  const cancel = new AbortController();
  const first = outcome(scheduler.submit(request(`${begin}First?`, { signal: cancel.signal })));
  const second = outcome(scheduler.submit(request(`${begin}Second?`)));
  await engine.release();
  assert.equal(scheduler.busySlots, 1);
  cancel.abort();
  while (scheduler.progress().busy) await engine.release();
  assert.ok((await first).error);
  assert.equal((await second).error, null);
});

test("what was of use twice is written when nobody asks, and spares its reading after a restart", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  await first.ask(`${begin}Are the lights on?`);
  await first.rest();
  assert.deepEqual(first.stored(), [], "what was asked once may never come again");
  await first.ask(`${begin}Is the heating on?`);
  await first.clock.advance(idleMs - 1);
  assert.deepEqual(first.stored(), []);
  await first.rest();
  assert.equal(first.stored().length, 1);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const written = await value(first.registry, "hearth_prefix_written_bytes_total");
  assert.equal(written, await value(first.registry, "hearth_prefix_stored_bytes"));
  await first.ask(`${begin}Is the door open?`);
  await first.rest();
  assert.equal(await value(first.registry, "hearth_prefix_written_bytes_total"), written, "it is there already");

  const question = `${begin}Who are you?`;
  const cold = await (await run(folderOf(t))).ask(question);
  const second = await run(folder);
  const warm = await second.ask(question);
  assert.equal(warm.answer, cold.answer);
  assert.equal(warm.cached, begin.length + 1);
  assert.equal(cold.cached, 0);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1);
  assert.equal(await value(second.metrics, "hearth_prefix_restored_tokens_total"), begin.length + 1);
  assert.equal((await second.ask(`${begin}And you?`)).cached, begin.length + 1);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1, "the second time it is in memory");
});

test("a model that goes on from some places only stores those", async (t) => {
  const folder = folderOf(t);
  const fake = { resumeEvery: 100 };
  const begin = system("the mill");
  const first = await run(folder, { fake });
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  assert.equal(first.stored().length, 1);
  const { cached } = await (await run(folder, { fake })).ask(`${begin}Doors?`);
  assert.equal(cached, Math.floor((begin.length + 1) / 100) * 100);
});

test("several requests wait for one reading, others pass, and one that is cancelled leaves no trace", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  const second = await run(folder, { fake: { transferMs: 50 }, engine: { prefixBytes: 1e6 } });
  const cancel = new AbortController();
  const gone = outcome(second.scheduler.submit(request(`${begin}Gone?`, { signal: cancel.signal })));
  const waiting = [0, 1, 2].map((i) => second.ask(`${begin}Question ${i}?`));
  const passing = await second.ask("Hi");
  assert.equal(passing.cached, 0);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 0, "the short one did not wait");
  cancel.abort();
  assert.ok((await gone).error);
  for (const { cached } of await Promise.all(waiting)) assert.ok(cached > begin.length);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1);
});

test("a damaged file costs a cold start and a log line, nothing else", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  const file = path.join(folder, first.stored()[0] ?? "");
  const whole = readFileSync(file);
  for (const when of ["before the start", "after it"]) {
    const damage = () => writeFileSync(file, whole.subarray(0, whole.length / 2));
    writeFileSync(file, whole);
    if (when === "before the start") damage();
    const second = await run(folder);
    if (when === "after it") damage();
    const { cached, answer } = await second.ask(`${begin}Doors?`);
    assert.equal(cached, 0);
    assert.equal(answer, (await (await run(folderOf(t))).ask(`${begin}Doors?`)).answer);
    assert.deepEqual(
      second.log.map(({ msg }) => msg),
      ["a stored prefix cannot be used and was removed"],
    );
    assert.deepEqual(second.stored(), []);
    assert.equal(await value(second.registry, "hearth_prefix_damaged_total"), 1);
    await second.ask(`${begin}Windows?`);
    await second.rest();
    assert.equal(second.stored().length, 1, "it is written anew");
  }
});

test("another model's and another build's prefixes are not used; those of the build before are removed", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  writeFileSync(path.join(folder, "x.kv.1-1.tmp"), "half");
  const other = await run(folder, { model: "other.gguf" });
  assert.equal((await other.ask(`${begin}Doors?`)).cached, 0);
  assert.equal(other.stored().length, 1);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    [],
  );
  const upgraded = await run(folder, { build: "another" });
  assert.deepEqual(upgraded.stored(), []);
  assert.equal((await upgraded.ask(`${begin}Doors?`)).cached, 0);
});

test("the day's limit holds over restarts and when the clock is set back", async (t) => {
  const folder = folderOf(t);
  const clock = new FakeClock();
  await clock.advance(20 * dayMs);
  const limits = { bytesADay: 100_000 };
  const write = async (house: string, options: RunOptions = {}) => {
    const process = await run(folder, { clock, limits, ...options });
    for (const question of ["Lights?", "Heating?"]) await process.ask(system(house) + question);
    const before = process.stored().length;
    await process.rest();
    return process.stored().length - before;
  };
  // Some 450 tokens of 128 bytes are expected; the fake's files are smaller, and it is those that count in the end.
  let written = 0;
  while (written < 100 && (await write(`house ${written}`)) > 0) written++;
  assert.ok(written > 1 && written < 100, `${written} files`);
  assert.equal(await write("one more"), 0);
  assert.equal(await write("one more", { clock: new FakeClock() }), 0, "a board without a clock starts in 1970");
  await clock.advance(dayMs);
  assert.equal(await write("one more"), 1);
});

test("the files used longest ago make room for new ones", async (t) => {
  const folder = folderOf(t);
  const limits = { bytes: 80_000 };
  const first = await run(folder, { limits, engine: { prefixBytes: 1e6 } });
  const houses = Array.from({ length: 40 }, (_, i) => `house ${i}`);
  for (const house of houses) {
    for (const question of ["Lights?", "Heating?"]) await first.ask(system(house) + question);
    await first.rest();
    assert.ok(first.files.bytes <= limits.bytes);
  }
  assert.ok(first.stored().length > 1 && first.stored().length < 40, `${first.stored().length} files`);
  const second = await run(folder, { limits });
  assert.equal((await second.ask(`${system("house 39")}Doors?`)).cached, system("house 39").length + 1);
  assert.equal((await second.ask(`${system("house 0")}Doors?`)).cached < 40, true);
});

test("a longer prefix takes the place of the shorter one", async (t) => {
  const folder = folderOf(t);
  const { ask, rest, stored } = await run(folder);
  const begin = system("the mill");
  const longer = `${begin}${"Its rooms have many lamps. ".repeat(30)}`;
  for (const prompt of [begin, longer]) {
    for (const question of ["Lights?", "Heating?"]) await ask(prompt + question);
    await rest();
    assert.equal(stored().length, 1);
  }
  assert.equal((await (await run(folder)).ask(`${longer}Doors?`)).cached, longer.length + 1);
  assert.equal((await (await run(folder)).ask(`${begin}Doors?`)).cached, begin.length + 1);
});

test("whatever of it fails, requests are answered, and once it works again prefixes are kept again", async (t) => {
  const begin = system("the mill");
  const questions = ["Lights?", "Heating?"];
  for (const [method, code] of [
    ["saveSnapshot", "KV_FULL"],
    ["saveSnapshotResult", "FILE_WRITE_FAILED"],
    ["restoreSnapshot", "KV_FULL"],
    ["restoreSnapshot", "FILE_READ_FAILED"],
  ] as const) {
    const folder = folderOf(t);
    const first = await run(folder);
    if (method !== "restoreSnapshot") first.module.failCall(method, 1, code);
    for (const question of questions) await first.ask(begin + question);
    await first.rest();
    await first.ask(`${begin}Windows?`);
    await first.rest();
    assert.equal(first.stored().length, 1, method);
    const second = await run(folder);
    if (method === "restoreSnapshot") second.module.failCall(method, 1, code);
    const { cached } = await second.ask(`${begin}Doors?`);
    assert.equal(cached, method === "restoreSnapshot" ? 0 : begin.length + 1, method);
    assert.equal(second.stored().length, code === "FILE_READ_FAILED" ? 0 : 1, code);
  }
});

test("a folder that cannot be used turns it off, with one log line", async (t) => {
  const file = path.join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  const { ask, rest, log } = await run(path.join(file, "prefixes"));
  for (const question of ["Lights?", "Heating?"]) await ask(system("the mill") + question);
  await rest().catch(() => {});
  assert.deepEqual(
    log.map(({ msg }) => msg),
    ["prefixes cannot be stored"],
  );
});

test("answers go on while a prefix is written, and it is what it was when the writing began", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder, { fake: { transferMs: 100 }, engine: { maxSequences: 1 } });
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await until(() => !first.scheduler.progress().busy);
  let began = false;
  const save = first.engine.saveSnapshot.bind(first.engine);
  first.engine.saveSnapshot = (...args) => {
    began = true;
    return save(...args);
  };
  await first.clock.advance(idleMs);
  await until(() => began);
  await first.ask(`Something else. ${"x".repeat(900)}`); // takes the slot, and its sequence goes
  await until(() => first.stored().length === 1);
  assert.equal((await (await run(folder)).ask(`${begin}Doors?`)).cached, begin.length + 1);
});
