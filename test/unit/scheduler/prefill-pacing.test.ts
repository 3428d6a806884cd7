import assert from "node:assert/strict";
import test from "node:test";
import { Pacing, PromptPacing, sharedStepMs } from "../../../src/scheduler/prefill-pacing.js";

test("the prefill chunk follows the measured speed", () => {
  const pacing = new Pacing();
  assert.equal(pacing.tokensWithin(250, 256), 16, "careful while nothing is known");
  for (let i = 0; i < 20; i++) pacing.observe(16, 160);
  assert.equal(pacing.tokensWithin(250, 256), 25);
  for (let i = 0; i < 40; i++) pacing.observe(16, 16 * 600);
  assert.equal(pacing.tokensWithin(250, 256), 1, "slower than the limit: one token, never none");
  for (let i = 0; i < 80; i++) pacing.observe(256, 0);
  assert.equal(pacing.tokensWithin(250, 256), 256);
});

test("beside an answer a step takes at most fourfold the answer's own time, and at most the longest gap", () => {
  for (const decodeMs of [0.5, 1, 11, 60]) {
    const stepMs = sharedStepMs(decodeMs, 250);
    assert.ok(stepMs >= 2 * decodeMs && stepMs <= Math.max(2, 4 * decodeMs), `${decodeMs} ms become ${stepMs}`);
  }
  assert.equal(sharedStepMs(100, 250), 250);
});

test("where an answer's own time is long, a prompt beside it still has half of each step", () => {
  assert.equal(sharedStepMs(200, 250), 400);
  assert.equal(sharedStepMs(800, 250), 1600);
});

test("what a prompt token costs beside answers is learned apart from what it costs alone", () => {
  const pacing = new PromptPacing(250, 2000);
  for (let i = 0; i < 20; i++) pacing.observe({ promptTokens: 200, decodeMs: null, computeMs: 200 });
  assert.equal(pacing.alone(4096), 2000);
  for (let i = 0; i < 20; i++) pacing.observe({ promptTokens: 10, decodeMs: 20, computeMs: 40 });
  assert.equal(pacing.beside(20, 4096), 20, "40 ms beside the answer's own 20, at 2 ms a token");
  assert.equal(pacing.alone(4096), 2000);
});

/** The sizes of `steps` steps of a prompt that comes alone, where each takes `fixedMs` and `msPerToken`. */
function sizesOf(pacing: PromptPacing, steps: number, fixedMs: number, msPerToken: number): number[] {
  return Array.from({ length: steps }, () => {
    const promptTokens = pacing.alone(512);
    pacing.observe({ promptTokens, decodeMs: null, computeMs: fixedMs + msPerToken * promptTokens });
    return promptTokens;
  });
}

test("where weights are read for each step, prompts take more and more tokens a step until it takes ten seconds", () => {
  const pacing = new PromptPacing(250, 2000, true);
  assert.deepEqual(sizesOf(pacing, 8, 3000, 15), [16, 32, 64, 128, 256, 512, 512, 512]);
  assert.equal(pacing.alone(100), 100, "no more than the step may have");
});

test("a board that became slower reads fewer tokens a step", () => {
  const pacing = new PromptPacing(250, 2000, true);
  sizesOf(pacing, 8, 3000, 15);
  pacing.observe({ promptTokens: 512, decodeMs: null, computeMs: 40_000 });
  assert.equal(pacing.alone(512), 128);
  pacing.observe({ promptTokens: 3, decodeMs: null, computeMs: 3000 });
  assert.equal(pacing.alone(512), 128, "the end of a prompt says nothing");
});

test("a disk that takes longer than ten seconds for one reading is read for as many tokens as any other", () => {
  const pacing = new PromptPacing(250, 2000, true);
  assert.deepEqual(sizesOf(pacing, 8, 24_000, 15), [16, 32, 64, 128, 256, 512, 512, 512]);
  pacing.observe({ promptTokens: 3, decodeMs: null, computeMs: 24_050 });
  assert.equal(pacing.alone(512), 512, "the end of a prompt says nothing here either");
});

test("a board whose arithmetic is slow does not grow its steps because weights are read", () => {
  const pacing = new PromptPacing(250, 2000, true);
  const sizes = sizesOf(pacing, 6, 1000, 2000);
  assert.ok(
    sizes.slice(2).every((tokens) => tokens === 16),
    sizes.join(),
  );
});

test("weights that take longer to read than a step should take are read for several tokens at once", () => {
  const pacing = new PromptPacing(250, 2000);
  const sizes = sizesOf(pacing, 60, 2500, 90);
  assert.ok(
    sizes.slice(-5).every((tokens) => tokens >= 20),
    sizes.join(),
  );
});

test("the shortest step of a large model is learned from its answers, too", () => {
  const pacing = new PromptPacing(250, 2000);
  pacing.observeOneToken(2600);
  const sizes = sizesOf(pacing, 30, 2500, 90);
  assert.ok(Math.min(...sizes) > 1, sizes.join());
});
