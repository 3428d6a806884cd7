/** Storage that gives errors, hangs, or holds another file than before: that request fails, and the next one works when it is over. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, truncateSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { embeddedModel } from "../../src/daemon/model-file.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { failingDisk, noFailingDisk } from "../helpers/failing-disk.js";
import { temporaryFolder } from "../helpers/folder.js";
import { greedy } from "../helpers/scheduler.js";

const small = {
  HEARTH_CONTEXT_TOKENS: "256",
  HEARTH_SLOTS: "1",
  HEARTH_PREFIX_MEMORY_BYTES: "0",
  HEARTH_PREFIX_DISK_BYTES: "0",
  HEARTH_AUTO_TUNE: "false",
};
/** Less than the daemon and 140 MB of weights take. */
const streaming = { ...small, HEARTH_MEMORY_BUDGET_BYTES: "200000000" };

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function complete({ url }: TestDaemon): Promise<Answer> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", prompt: "a b c d e f g h", temperature: 0, max_tokens: 6 }),
  });
  const body = (await response.json()) as { choices?: { text: string }[]; error?: { message: string } };
  return { status: response.status, text: body.choices?.[0]?.text ?? body.error?.message ?? "" };
}

/** Its conditions that do not hold, which /healthz has to tell at once. */
async function broken({ url }: TestDaemon): Promise<string> {
  const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(3000) });
  assert.equal(response.status, 200);
  const { conditions } = (await response.json()) as { conditions: { healthy: boolean; reason: string }[] };
  return conditions.flatMap(({ healthy, reason }) => (healthy ? [] : [reason])).join("; ");
}

async function eventually(daemon: TestDaemon, expected: string, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (let answer = await complete(daemon); ; answer = await complete(daemon)) {
    if (answer.status === 200) return assert.equal(answer.text, expected);
    assert.equal(answer.status, 503, answer.text);
    assert.ok(Date.now() < deadline, answer.text);
    await delay(250);
  }
}

/** It looks at the file every ten seconds. */
async function becomesReady({ url }: TestDaemon): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await fetch(`${url}/readyz`)).status !== 200) {
    assert.ok(Date.now() < deadline, "it is not ready after 30 seconds");
    await delay(500);
  }
}

async function ready(daemon: TestDaemon): Promise<TestDaemon> {
  await daemon.logged("the model is ready");
  return daemon;
}

async function synthetic(file: string): Promise<string> {
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q8_0", file);
  return file;
}

for (const [how, env] of [
  ["mapped", small],
  ["streamed", streaming],
] as const) {
  test(`read errors of ${how} weights fail a request by the device's name, and the next one is right when they are over`, {
    skip: noFailingDisk,
  }, async (t) => {
    const whole = await synthetic(path.join(temporaryFolder(t), "model.gguf"));
    const expected = (await complete(await ready(await startDaemon(t, { model: whole, env: small })))).text;
    const disk = await failingDisk(t, whole);
    const daemon = await ready(await startDaemon(t, { model: disk.file, env }));
    for (let round = 0; round < 2; round++) {
      await disk.behave("fails");
      if (how === "mapped" && round === 1) break; // all of it is in memory
      const failed = await complete(daemon);
      assert.equal(failed.status, 503);
      assert.match(failed.text, /model\.gguf.* on hearth-failing-disk could not be read/);
      assert.match(await broken(daemon), /hearth-failing-disk/);
      await disk.behave("works");
      await eventually(daemon, expected);
    }
    await becomesReady(daemon);
  });
}

test("storage that hangs fails requests in half a minute, /healthz answers meanwhile, and it works when it is over", {
  skip: noFailingDisk,
}, async (t) => {
  const whole = await synthetic(path.join(temporaryFolder(t), "model.gguf"));
  const expected = (await complete(await ready(await startDaemon(t, { model: whole, env: small })))).text;
  const hang = async (env: Record<string, string>) => {
    const disk = await failingDisk(t, whole);
    const daemon = await ready(await startDaemon(t, { model: disk.file, env }));
    await disk.behave("hangs");
    const startedAt = Date.now();
    const asked = complete(daemon);
    while ((await Promise.race([asked, delay(1000)])) === undefined) await broken(daemon);
    const { status, text } = await asked;
    assert.equal(status, 503);
    assert.match(text, /has not answered for 2\d seconds/);
    assert.ok(Date.now() - startedAt < 35_000, `${Date.now() - startedAt} ms`);
    await disk.behave("works");
    await eventually(daemon, expected);
    await becomesReady(daemon);
  };
  await Promise.all([hang(small), hang(streaming)]);
});

test("the doctor says of storage that hangs that it does, and the daemon answers meanwhile", {
  skip: noFailingDisk,
}, async (t) => {
  const disk = await failingDisk(t, embeddedModel.path);
  const daemon = await ready(await startDaemon(t, { model: disk.file, env: small }));
  await disk.behave("hangs");
  const looking = fetch(`${daemon.url}/hearth/v1/doctor`, { method: "POST" });
  let isLooking = true;
  void looking.finally(() => {
    isLooking = false;
  });
  const slowest = { ms: 0 };
  while (isLooking) {
    const askedAt = performance.now();
    assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
    slowest.ms = Math.max(slowest.ms, performance.now() - askedAt);
    await delay(100);
  }
  const { findings } = (await (await looking).json()) as { findings: { check: string; found: string }[] };
  assert.match(findings.find(({ check }) => check === "storage")?.found ?? "", /has not answered for \d+ seconds/);
  assert.ok(slowest.ms < 5000, `/healthz took ${slowest.ms} ms`);
  await disk.behave("works");
});

test("memory is given back, and an engine closed, while storage hangs: nothing else waits for either", {
  skip: noFailingDisk,
}, async (t) => {
  const whole = await synthetic(path.join(temporaryFolder(t), "model.gguf"));
  const disk = await failingDisk(t, whole);
  const module = loadEngineModule();
  const options = {
    threads: 1,
    decodeThreads: 0,
    maxSequences: 1,
    contextTokens: 256,
    kvTokens: 0,
    maxBatchTokens: 32,
  };
  const engine = await module.createEngine(await module.loadModel(disk.file, { vocabularyOnly: false }), {
    ...options,
    isa: "",
    memoryBudget: 1e12, // so that it may lock some of the weights
  });
  await engine.fitWeights(70e6);
  const { streamedBytes = 0 } = engine.residency() ?? {};
  assert.ok(streamedBytes > 50e6, String(streamedBytes));
  const sequence = engine.openSequence(greedy);
  const read = () => engine.step({ chunks: [{ sequence, tokens: Int32Array.of(1, 2), sample: true }] });
  await read(); // also the tokens' embeddings, which are mapped: no step can be stopped that hangs at a page
  await disk.behave("hangs");
  const step = read();
  await delay(300);
  engine.stopStep();
  await assert.rejects(step, { code: "STOPPED" }); // threads hang in what it would have read
  const locked = () => Number(/VmLck:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  /** How long the work took, and the longest time in which the event loop did not turn meanwhile. */
  const watch = async (work: Promise<void>, look: () => unknown) => {
    const began = performance.now();
    let [last, longest, isOver] = [began, 0, false];
    void work.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver) {
      look();
      await delay(2);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    await work;
    return { took: last - began, longest };
  };
  const given = await watch(engine.fitWeights(140e6), () => [
    engine.memory(),
    engine.residency(),
    engine.freeKvTokens(),
  ]);
  assert.ok(given.took > 1000, `nothing hung: ${given.took} ms`);
  // A blocked loop stands for all of it; other programs on the processor hold it up for a part.
  assert.ok(given.longest < given.took / 3, `the event loop stood for ${given.longest} of ${given.took} ms`);
  const holding = engine.holdFreeKv(true);
  assert.throws(() => engine.truncateSequence(sequence, 0), { code: "ENGINE_BUSY" });
  await holding;
  assert.ok(locked() > 0);
  const closed = await watch(engine.close(), () => null);
  assert.ok(closed.took > 1000 && closed.longest < closed.took / 3, JSON.stringify(closed));
  // A thread that hung while it locked pages unlocks them when it goes on.
  await disk.behave("works");
  for (let i = 0; i < 100 && locked() > 0; i++) await delay(100);
  assert.equal(locked(), 0);
});

test("a file that is cut short fails a request, and one that is put in its place is loaded without a restart", async (t) => {
  const folder = temporaryFolder(t);
  const whole = await synthetic(path.join(folder, "whole.gguf"));
  const model = path.join(folder, "model.gguf");
  copyFileSync(whole, model);
  const daemon = await ready(await startDaemon(t, { model, env: small }));
  const { text } = await complete(daemon);
  truncateSync(model, 1_000_000);
  const failed = await complete(daemon);
  assert.equal(failed.status, 503);
  assert.match(failed.text, /had \d+ bytes when it was opened and has 1000000 now/);
  assert.match(await broken(daemon), /model\.gguf/);
  copyFileSync(whole, model);
  await eventually(daemon, text);
  await becomesReady(daemon);
});
