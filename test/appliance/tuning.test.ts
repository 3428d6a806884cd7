import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";

const measured = "measured the best threads";
const oneCore = os.availableParallelism() < 2 && "needs two cores";

test("a daemon that nobody asks measures its model's threads, and knows them when it starts again", {
  skip: oneCore,
}, async (t) => {
  const state = temporaryFolder(t);
  const first = await startDaemon(t, { env: { HEARTH_STATE: state } });
  const { threads, decodeThreads } = await first.logged(measured);
  first.kill("SIGTERM");
  assert.equal(await first.exited, 0);
  const { tunings } = JSON.parse(readFileSync(path.join(state, "tunings.json"), "utf8"));
  const [stored] = Object.values<Record<string, unknown>>(tunings);
  assert.deepEqual([stored?.threads, stored?.decodeThreads], [threads, decodeThreads]);

  const second = await startDaemon(t, { env: { HEARTH_STATE: state } });
  await second.logged("the model is ready");
  const off = await startDaemon(t, { env: { HEARTH_STATE: temporaryFolder(t), HEARTH_AUTO_TUNE: "false" } });
  await off.logged("the model is ready");
  await delay(7000); // longer than the idle time before a measurement
  for (const daemon of [second, off]) assert.ok(!daemon.log.some(({ msg }) => msg === measured));
});
