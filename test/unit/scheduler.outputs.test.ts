/** Outputs beside tokens that a request may ask for: log probabilities, and its prompt's pooled hidden states. */
import assert from "node:assert/strict";
import test from "node:test";
import { MeanPooling } from "../../src/scheduler/embedding-pooling.js";
import { logprobs } from "../../src/scheduler/logprobs.js";
import { outcome, request, startScheduler, tokensOf } from "../helpers/scheduler.js";

test("log probabilities are of a softmax, the likeliest first, and of equals the smaller id", () => {
  const { logprob, top } = logprobs(Float32Array.of(1, 3, 3, 0), 0, 3);
  const sum = Math.exp(1) + 2 * Math.exp(3) + 1;
  assert.ok(Math.abs(logprob - Math.log(Math.exp(1) / sum)) < 1e-6);
  assert.deepEqual(
    top.map(({ token }) => token),
    [1, 2, 0],
  );
  assert.ok(Math.abs(Math.exp(top[0]?.logprob ?? 0) - Math.exp(3) / sum) < 1e-6);
  assert.deepEqual(logprobs(Float32Array.of(1000, -1000), 0, 0), { logprob: 0, top: [] });
});

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

test("tokens with log probabilities are the same tokens, each with its own", async () => {
  const { scheduler } = await startScheduler();
  const plain = await outcome(scheduler.submit(request("some prompt", { maxTokens: 12 })));
  const scored = await outcome(scheduler.submit(request("some prompt", { maxTokens: 12, topLogprobs: 2 })));
  assert.deepEqual(scored.tokens, plain.tokens);
  for (const event of scored.events) {
    if (event.type !== "token") continue;
    assert.ok((event.logprob ?? 1) <= 0);
    assert.equal(event.top?.length, 2);
    assert.equal(event.top[0]?.token, event.token); // the fake's logits prefer what it draws
  }
  assert.ok(plain.events.every((event) => event.type !== "token" || event.logprob === undefined));
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
