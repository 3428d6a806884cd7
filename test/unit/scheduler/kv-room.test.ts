import assert from "node:assert/strict";
import test from "node:test";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";

test("where every slot has room for a whole context, none waits for the others", async () => {
  const rig = await startScheduler({ manual: true }, { contextTokens: 128 });
  const first = [1, 2, 3].map((i) => outcome(rig.scheduler.submit(request(`${i}`, { maxTokens: 110 }))));
  for (let i = 0; i < 100; i++) await rig.engine.release();
  const last = outcome(rig.scheduler.submit(request("4", { maxTokens: 5 })));
  await rig.engine.release();
  await rig.engine.release();
  assert.equal(rig.engine.plans.at(-1)?.chunks.length, 4);
  while (rig.scheduler.progress().busy) await rig.engine.release();
  for (const { error } of await Promise.all([...first, last])) assert.equal(error, null);
});

test("a full KV cache evicts idle slots first", async () => {
  const rig = await startScheduler({}, { kvTokens: 128, contextTokens: 128 });
  for (const letter of "abc") await outcome(rig.scheduler.submit(request(letter.repeat(40), { maxTokens: 1 })));
  const { error, tokens } = await outcome(rig.scheduler.submit(request("z".repeat(90), { maxTokens: 20 })));
  assert.equal(error, null);
  assert.equal(tokens.length, 20);
});

test("a full KV cache sends the youngest request back, and it ends with the same answer", async () => {
  const options = { maxTokens: 140 };
  const roomy = await startScheduler({});
  const expected = await Promise.all(
    ["first ", "second "].map((text) => outcome(roomy.scheduler.submit(request(text, options)))),
  );
  const rig = await startScheduler({}, { kvTokens: 160 });
  const got = await Promise.all(
    ["first ", "second "].map((text) => outcome(rig.scheduler.submit(request(text, options)))),
  );
  assert.deepEqual(
    got.map(({ text, error }) => ({ text, error })),
    expected.map(({ text }) => ({ text, error: null })),
  );
  assert.match(await rig.metrics.render(), /hearth_preemptions_total [1-9]/);
});
