/** Locks and files that are replaced as a whole, with the addon's real flock. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../src/base/clock.js";
import { HearthError } from "../../src/base/errors.js";
import { silentLogger } from "../../src/base/logger.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { freshName, isFreshName, writeDurably } from "../../src/store/durable-files.js";
import { lockFileIn, tryHold, withLock } from "../../src/store/file-lock.js";
import { KeyFile } from "../../src/store/key-file.js";
import { TuningStore } from "../../src/store/machine-tunings.js";
import { SnapshotFiles } from "../../src/store/snapshot-files.js";
import { temporaryFolder } from "../helpers/folder.js";

const locker = loadEngineModule();

test("what one does under a lock nobody else does meanwhile", async (t) => {
  const file = lockFileIn(temporaryFolder(t), "x");
  let inside = 0;
  const work = async () => {
    inside++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(inside, 1);
    inside--;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(file, locker, "busy", work)));
});

test("a lock that is not free in time is STORE_BUSY, and is free when its holder failed", async (t) => {
  const file = lockFileIn(temporaryFolder(t), "x");
  const held = await tryHold(file, locker);
  assert.ok(held);
  assert.equal(await tryHold(file, locker), null);
  const busy = (error: unknown) => error instanceof HearthError && error.code === "STORE_BUSY";
  await assert.rejects(
    withLock(file, locker, "Somebody else is at it.", async () => {}, 50),
    busy,
  );
  await held.close();
  const failing = withLock(file, locker, "", () => Promise.reject(new Error("mine")));
  await assert.rejects(failing, /mine/);
  assert.equal(await withLock(file, locker, "", async () => 7, 0), 7);
});

test("keys that are made and revoked at once in many hands are all there, and gone", async (t) => {
  const folder = temporaryFolder(t);
  const wanted = {
    scopes: ["generate"],
    requestsPerMinute: null,
    concurrentRequests: null,
    priority: "default",
  } as const;
  const names = (prefix: string) => Array.from({ length: 20 }, (_, i) => `${prefix}${i}`);
  const create = (name: string) => new KeyFile(folder, locker).create({ ...wanted, name }, 0);
  await Promise.all(names("old").map(create));
  await Promise.all([
    ...names("new").map(create),
    ...names("old").map((name) => new KeyFile(folder, locker).revoke(name)),
  ]);
  const left = new KeyFile(folder, locker).keys().map(({ name }) => name);
  assert.deepEqual(left.sort(), names("new").sort());
});

test("measurements that are stored at once are all kept", async (t) => {
  const folder = temporaryFolder(t);
  const tuning = {
    threads: 2,
    decodeThreads: 1,
    decodeTokensPerSecond: 3,
    model: "a",
    measuredAt: "2026-01-01T00:00:00.000Z",
  };
  const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
  await Promise.all(keys.map((key) => new TuningStore(folder, locker).save(key, tuning)));
  for (const key of keys) assert.deepEqual(new TuningStore(folder, locker).find(key), tuning);
});

test("each new file has a name of its own, and what a crash left of it is known by it", async (t) => {
  const file = path.join(temporaryFolder(t), "a.json");
  const names = new Set(Array.from({ length: 100 }, () => freshName(file)));
  assert.equal(names.size, 100);
  for (const name of names) assert.ok(isFreshName(path.basename(name), "a.json"));
  assert.ok(isFreshName("a.json.new", "a.json"));
  for (const name of ["a.json", "b.json.new", "a.json.b.json.0123456789ab.new", "a.json.old"]) {
    assert.ok(!isFreshName(name, "a.json"), name);
  }
});

test("a file is replaced as a whole; a write that fails leaves the old one and nothing else", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "a.json");
  await writeDurably(file, "old");
  for (const name of ["a.json.new", "a.json.0123456789ab.new"]) writeFileSync(path.join(folder, name), "of a crash");
  writeFileSync(path.join(folder, "b.json.0123456789ab.new"), "somebody else's");
  await writeDurably(file, "new");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.deepEqual(readdirSync(folder).sort(), ["a.json", "b.json.0123456789ab.new"]);
  const taken = path.join(folder, "folder");
  mkdirSync(taken);
  await assert.rejects(writeDurably(taken, "x"));
  assert.deepEqual(readdirSync(folder).sort(), ["a.json", "b.json.0123456789ab.new", "folder"]);
});

test("the ledger of prefixes is one daemon's: a second one writes nothing", async (t) => {
  const folder = path.join(temporaryFolder(t), "prefixes");
  const open = async () => {
    const limits = { bytes: 1e9, bytesADay: 1e9 };
    const files = new SnapshotFiles(folder, "build", limits, {
      clock: new FakeClock(),
      logger: silentLogger(),
      locker,
    });
    await files.start();
    return files;
  };
  const first = await open();
  const second = await open();
  assert.equal(await first.allow(1000), true);
  assert.equal(await second.allow(1000), false);
  await first.stop();
  const third = await open();
  assert.equal(await third.allow(1000), true);
  assert.equal(JSON.parse(readFileSync(path.join(folder, "written.json"), "utf8")).bytes, 2000);
  await third.stop();
});
