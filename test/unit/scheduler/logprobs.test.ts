import assert from "node:assert/strict";
import test from "node:test";
import { logprobs } from "../../../src/scheduler/logprobs.js";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";

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
