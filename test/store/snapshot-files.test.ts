import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { SnapshotFiles } from "../../src/store/snapshot-files.js";
import { temporaryFolder } from "../helpers/folder.js";

const locker = loadEngineModule();

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
