import assert from "node:assert/strict";
import test from "node:test";
import { hashedLetters, scripted } from "../../src/engine/fake.js";
import { Drafter, StepCost } from "../../src/scheduler/speculation.js";
import { outcome, request, startScheduler } from "../helpers/scheduler.js";

test("a guess is what followed the last tokens when they came last before", () => {
  const drafter = new Drafter();
  assert.deepEqual(drafter.propose([1, 2, 3, 40, 41, 7, 1, 2, 3, 50, 51, 52, 1, 2, 3], 3), [50, 51, 52]);
  assert.deepEqual(drafter.propose([1, 2, 3, 40, 41, 7, 1, 2, 3, 50, 51, 52, 1, 2, 3, 9], 3), []);
});

test("a loop is guessed round and round", () => {
  assert.deepEqual(new Drafter().propose([8, 1, 2, 1, 2, 1], 5), [2, 1, 2, 1, 2]);
});

test("too short a history is no ground for a guess", () => {
  for (const history of [[], [1], [1, 1], [1, 1, 1]]) assert.deepEqual(new Drafter().propose(history, 4), []);
});

test("guesses that are right grow, guesses that are wrong end", () => {
  const cost = new StepCost();
  for (const [columns, ms] of [
    [1, 10],
    [2, 12],
    [4, 16],
    [8, 24],
    [16, 40],
  ] as const)
    cost.observe(columns, ms);
  const drafter = new Drafter();
  const first = drafter.bestDrafts(cost, 1, 15);
  for (let i = 0; i < 8; i++) drafter.observe(4, 4);
  assert.ok(drafter.bestDrafts(cost, 1, 15) > first, "after right guesses");
  for (let i = 0; i < 20; i++) drafter.observe(4, 0);
  assert.equal(drafter.bestDrafts(cost, 1, 15), 0);
  for (let i = 0; i < 1000; i++) drafter.observe(0, 0);
  assert.ok(drafter.bestDrafts(cost, 1, 15) > 0, "it tries again after a while");
});

test("where every token of a step costs as much as a step, nothing is guessed", () => {
  const cost = new StepCost();
  for (let columns = 1; columns <= 16; columns++) cost.observe(columns, 10 * columns);
  const drafter = new Drafter();
  for (let i = 0; i < 50; i++) drafter.observe(4, 4);
  assert.equal(drafter.bestDrafts(cost, 1, 15), 0);
});

test("a cost that was not measured lies between its neighbours", () => {
  const cost = new StepCost();
  cost.observe(2, 10);
  cost.observe(6, 30);
  assert.equal(cost.estimate(4), 20);
  assert.ok(cost.estimate(8) > 30);
  assert.ok(cost.estimate(1) < 10);
});

const repetitive = "the hall lamp, the hall lamp, the hall lamp and the hall lamp, the hall lamp. ";

for (const [name, next] of [
  ["repeats itself", scripted(repetitive)],
  ["does not", hashedLetters],
] as const) {
  test(`an answer that ${name} is the same with and without guesses`, async () => {
    const answers = [];
    for (const speculation of [true, false]) {
      const { engine, scheduler } = await startScheduler({ next, stepMs: () => 1 }, {}, { speculation });
      const streams = ["the hall lamp, ", "x", "the hall"].map((text) =>
        scheduler.submit(request(text, { maxTokens: 60 })),
      );
      const outcomes = await Promise.all(streams.map((stream) => outcome(stream)));
      answers.push(outcomes.map(({ tokens, end }) => ({ tokens, end })));
      const drafted = engine.plans.some(({ chunks }) => chunks.some(({ drafts = 0 }) => drafts > 0));
      assert.equal(drafted, speculation && next !== hashedLetters);
      assert.equal(engine.freeKvTokens() >= 0, true);
    }
    assert.deepEqual(answers[0], answers[1]);
  });
}

test("an answer that repeats itself takes fewer steps, and the metrics tell why", async () => {
  const { engine, scheduler, metrics } = await startScheduler({ next: scripted(repetitive), stepMs: () => 1 });
  const { tokens } = await outcome(scheduler.submit(request("the hall lamp, ", { maxTokens: 70 })));
  assert.equal(tokens.length, 70);
  assert.ok(engine.plans.length < 60, `${engine.plans.length} steps`);
  assert.match(await metrics.render(), /hearth_draft_tokens_accepted_total [1-9]/);
});

test("the next turn's prefix counts only tokens that were drawn", async () => {
  const { scheduler } = await startScheduler({ next: scripted(repetitive) });
  const first = await outcome(scheduler.submit(request("the hall lamp, ", { maxTokens: 40 })));
  const second = await outcome(scheduler.submit(request(`the hall lamp, ${first.text} and?`)));
  const { cachedTokens = 0 } = second.end?.usage ?? {};
  assert.ok(cachedTokens >= 1 + 15 + 39, `${cachedTokens}`);
  assert.ok(cachedTokens <= 1 + 15 + 40, `${cachedTokens}`);
});
