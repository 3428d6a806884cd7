import assert from "node:assert/strict";
import { test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { TuningStore } from "../../src/store/machine-tunings.js";
import { temporaryFolder } from "../helpers/folder.js";

const locker = loadEngineModule();

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
