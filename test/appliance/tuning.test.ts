import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { hearth } from "../helpers/command.js";
import { type LogLine, startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";

const measured = "measured the best threads";
const measuredKernels = "measured the best kernels";
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

test("a machine that begins with the wrong kernels is put right within the first minute in which nobody asks", async (t) => {
  // The plain kernels, which are never the fastest.
  const env = { HEARTH_STATE: temporaryFolder(t), HEARTH_UNTUNED_KERNELS: "ref" };
  const first = await startDaemon(t, { env });
  const startedWith = (await first.logged("the model is ready")).kernels as string[];
  const readyAt = performance.now();
  assert.ok(startedWith.length > 0);
  for (const kind of startedWith) assert.match(kind, /: ref:memory:0, ref:memory:0, ref:memory:0$/);
  const { kernels, tookMs } = (await first.logged(measuredKernels)) as LogLine & { kernels: string[]; tookMs: number };
  assert.ok(performance.now() - readyAt < 60_000);
  t.diagnostic(`measured in ${tookMs} ms: ${kernels.join("; ")}`);
  assert.equal(kernels.length, startedWith.length);
  for (const kind of kernels) assert.doesNotMatch(kind, /\bref\b/);
  first.kill("SIGTERM");
  assert.equal(await first.exited, 0);

  const second = await startDaemon(t, { env });
  assert.deepEqual((await second.logged("the model is ready")).kernels, kernels);
  const forced = { HEARTH_ISA: "ref", HEARTH_STATE: env.HEARTH_STATE };
  const third = await startDaemon(t, { env: forced });
  assert.deepEqual((await third.logged("the model is ready")).kernels, startedWith, "what is configured wins");
});

test("tune shows the kernels that it measured, and the order and the distance can be forced", async (t) => {
  const env = { HEARTH_STATE: temporaryFolder(t), HEARTH_READING_ORDER: "streams", HEARTH_PREFETCH_BYTES: "320" };
  const { status, stdout } = await hearth(t, ["tune", "spark", "--json"], { env });
  assert.equal(status, 0);
  const { matmuls } = JSON.parse(stdout);
  for (const { one } of matmuls) assert.match(one.way, /:streams:320$/);
  const daemon = await startDaemon(t, { env });
  const { kernels } = (await daemon.logged("the model is ready")) as LogLine & { kernels: string[] };
  for (const kind of kernels) assert.match(kind, /:streams:320, .*:streams:320, .*:streams:320$/);
});
