import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { pino } from "pino";
import { FakeClock } from "../../src/base/clock.js";
import { Metrics } from "../../src/base/metrics.js";
import type { EngineOptions } from "../../src/engine/contract.js";
import { DiskSnapshots } from "../../src/service/disk-snapshots.js";
import { SnapshotMetrics } from "../../src/service/snapshot-metrics.js";
import { type SnapshotFileLimits, SnapshotFiles } from "../../src/store/snapshot-files.js";
import { FakeEngineModule, type FakeOptions } from "../fake-engine/module.js";
import { temporaryFolder } from "./folder.js";
import { outcome, request, schedulerOn, until } from "./scheduler.js";

export const idleMs = 30_000;

export const system = (house: string) => `You are the voice of ${house}. ${`${house} has many rooms. `.repeat(20)}`;

export interface RunOptions {
  readonly fake?: FakeOptions;
  readonly engine?: Partial<EngineOptions>;
  readonly limits?: Partial<SnapshotFileLimits>;
  /** The path of the model's file. */
  readonly model?: string;
  readonly build?: string;
  readonly clock?: FakeClock;
}

/** Runs one process of the daemon, on a folder that outlives it. */
export async function run(folder: string, options: RunOptions = {}) {
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

export const folderOf = (t: TestContext) => path.join(temporaryFolder(t), "prefixes");

export async function value(metrics: Metrics, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics.render())?.[1]);
}
