import assert from "node:assert/strict";
import test from "node:test";
import { MeanPooling } from "../../../src/scheduler/embedding-pooling.js";
import { outcome, request, startScheduler, tokensOf } from "../../helpers/scheduler.js";

test("a mean does not depend on the pieces", () => {
  const rows = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i) * 1e3);
  const whole = new MeanPooling();
  whole.add(rows, 10);
  const pieces = new MeanPooling();
  pieces.add(rows.subarray(0, 3), 1);
  pieces.reset();
  for (const [from, to] of [
    [0, 4],
    [4, 5],
    [5, 10],
  ] as const)
    pieces.add(rows.subarray(from * 3, to * 3), to - from);
  assert.deepEqual(pieces.mean, whole.mean);
  assert.equal(whole.mean.length, 3);
});

test("hidden states are pooled over the whole prompt, also where a slot holds it, beside answers that stream", async () => {
  const { scheduler } = await startScheduler({}, { maxBatchTokens: 8 });
  const text = "abcdefghijklmnopqrstuvwxyz";
  const answer = outcome(scheduler.submit(request("Tell me", { maxTokens: 40 })));
  await outcome(scheduler.submit(request(text, { maxTokens: 3 })));
  const { events, end, error } = await outcome(scheduler.submit(request(text, { maxTokens: 0, pooling: true })));
  assert.equal(error, null);
  const pooled = events.at(-2);
  assert.ok(pooled?.type === "pooled");
  const prompt = tokensOf(text);
  for (const [i, value] of pooled.mean.entries()) {
    const expected = prompt.filter((token) => token % pooled.mean.length === i).length / prompt.length;
    assert.ok(Math.abs(value - expected) < 1e-6, `${i}: ${value} ${expected}`);
  }
  assert.equal(end?.usage.cachedTokens, 0);
  assert.equal((await answer).tokens.length, 40);
});

test("a pooled prompt that loses its slot is pooled as if it had kept it", async () => {
  const { scheduler, metrics } = await startScheduler({}, { maxBatchTokens: 16, kvTokens: 96, contextTokens: 96 });
  const long = outcome(scheduler.submit(request("a long answer", { maxTokens: 70 })));
  const text = "x".repeat(60);
  const { events } = await outcome(scheduler.submit(request(text, { maxTokens: 0, pooling: true })));
  const pooled = events.find((event) => event.type === "pooled");
  assert.ok(pooled?.type === "pooled");
  const width = pooled.mean.length;
  assert.ok(Math.abs((pooled.mean[120 % width] ?? 0) - 60 / 61) < 1e-6);
  await long;
  assert.match(await metrics.render(), /hearth_preemptions_total/);
});
