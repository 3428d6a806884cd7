import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../fake-engine/module.js";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";
import { assertAtRest } from "./schedulers.js";

test("the next turn finds its prefix in the KV cache and reads only what is new", async () => {
  const rig = await startScheduler({ next: scripted("Fine.") });
  const opening = "System: be kind. User: How are you?";
  await outcome(rig.scheduler.submit(request(opening)));
  const before = rig.engine.plans.length;
  const { end } = await outcome(rig.scheduler.submit(request(`${opening}Fine. User: And now?`)));
  assert.equal(end?.usage.cachedTokens, opening.length + 1 + "Fine.".length);
  const read = rig.engine.plans.slice(before).flatMap(({ chunks }) => chunks.map(({ tokens }) => tokens.length));
  assert.equal(read[0], " User: And now?".length);
});

test("strangers share a system prompt by forking it", async () => {
  const rig = await startScheduler({}, { maxSequences: 2 });
  const system = "You are a voice assistant for a house with many rooms. ";
  await outcome(rig.scheduler.submit(request(`${system}First question, a long one: ${"why ".repeat(30)}`)));
  const second = await outcome(rig.scheduler.submit(request(`${system}Second.`)));
  assert.equal(second.end?.usage.cachedTokens, system.length + 1);
  assert.equal(rig.engine.openSequences, 2);
});

test("a warm-up reads the prompt and generates nothing, and the question after it finds it", async () => {
  const rig = await startScheduler();
  const warm = await outcome(rig.scheduler.submit(request("A long system prompt.", { maxTokens: 0 })));
  assert.deepEqual(warm.tokens, []);
  assert.deepEqual(warm.end, {
    type: "end",
    reason: "stop",
    usage: { promptTokens: 22, cachedTokens: 0, generatedTokens: 0 },
  });
  const asked = await outcome(rig.scheduler.submit(request("A long system prompt. Hi")));
  assert.equal(asked.end?.usage.cachedTokens, 22);
  const again = await outcome(rig.scheduler.submit(request("A long system prompt.", { maxTokens: 0 })));
  assert.equal(again.end?.usage.cachedTokens, 22, "a second warm-up has nothing to read");
  await assertAtRest(rig);
});

test("a model that can go back to some places only reads what follows the last of them again", async () => {
  const text = "the same beginning for all of them, and then ";
  const plain = await startScheduler({}, { maxSequences: 2 });
  const recurrent = await startScheduler({ resumeEvery: 16 }, { maxSequences: 2 });
  for (const ending of ["this", "that", "this and that"]) {
    const expected = await outcome(plain.scheduler.submit(request(text + ending)));
    const answer = await outcome(recurrent.scheduler.submit(request(text + ending)));
    assert.deepEqual(answer.tokens, expected.tokens);
    const cached = expected.end?.usage.cachedTokens ?? 0;
    assert.equal(answer.end?.usage.cachedTokens, cached - (cached % 16));
  }
});
