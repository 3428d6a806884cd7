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

test("where weights are read for each step, prompts take more and more tokens a step until it takes ten seconds", () => {
  const pacing = new PromptPacing(250, 2000, true);
  const sizes: number[] = [];
  const readingMs = 3000;
  for (let i = 0; i < 8; i++) {
    const promptTokens = pacing.alone(512);
    sizes.push(promptTokens);
    pacing.observe({ promptTokens, decodeMs: null, computeMs: readingMs + 15 * promptTokens });
  }
  assert.deepEqual(sizes, [16, 32, 64, 128, 256, 512, 512, 512]);
  assert.equal(pacing.alone(100), 100, "no more than the step may have");
  pacing.observe({ promptTokens: 512, decodeMs: null, computeMs: 40_000 });
  assert.equal(pacing.alone(512), 128, "a board that became slower");
  pacing.observe({ promptTokens: 3, decodeMs: null, computeMs: 3000 });
  assert.equal(pacing.alone(512), 128, "the end of a prompt says nothing");
});
