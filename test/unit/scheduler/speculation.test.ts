import assert from "node:assert/strict";
import test from "node:test";
import { Drafter, StepCost } from "../../../src/scheduler/speculation.js";
import { hashedLetters, scripted } from "../../fake-engine/module.js";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";

test("a draft is what followed the last tokens when they came last before", () => {
  const drafter = new Drafter();
  assert.deepEqual(drafter.propose([1, 2, 3, 40, 41, 7, 1, 2, 3, 50, 51, 52, 1, 2, 3], 3), [50, 51, 52]);
  assert.deepEqual(drafter.propose([1, 2, 3, 40, 41, 7, 1, 2, 3, 50, 51, 52, 1, 2, 3, 9], 3), []);
});

test("a loop is drafted round and round", () => {
  assert.deepEqual(new Drafter().propose([8, 1, 2, 1, 2, 1], 5), [2, 1, 2, 1, 2]);
});

test("too short a history is no ground for a draft", () => {
  for (const history of [[], [1], [1, 1], [1, 2, 1]]) assert.deepEqual(new Drafter().propose(history, 4), []);
});

test("the place that agrees with the most tokens is what a draft follows", () => {
  const list = [10, 20, 1, 2, 30, 40, 1, 2, 50, 60, 1, 2, 70];
  assert.deepEqual(new Drafter().propose([...list, 9, 30, 40, 1, 2], 3), [50, 60, 1]);
});

test("a draft ends before a place that went on differently once", () => {
  const drafter = new Drafter();
  const history = [1, 2, 3, 4, 5, 8, 1, 2];
  assert.deepEqual(drafter.propose(history, 4), [3, 4, 5, 8]);
  history.push(3, 4, 6, 7, 1, 2);
  assert.deepEqual(drafter.propose(history, 4), [3, 4], "5 and 6 have followed");
});

/** The drafts that are best at the end of `text`, drawn token by token. */
function draftsAfter(text: readonly number[], cost: StepCost): number {
  const drafter = new Drafter();
  for (let length = 1; length <= text.length; length++) drafter.propose(text.slice(0, length), 15);
  return drafter.bestDrafts(cost, 1);
}

function costOf(ms: (columns: number) => number): StepCost {
  const cost = new StepCost();
  for (let columns = 1; columns <= 16; columns++) cost.observe(columns, ms(columns));
  return cost;
}

const cycle = (length: number) => Array.from({ length }, (_, i) => i % 20);
/** Pairs that come again and again and never go on alike. */
const pairs = (length: number) => Array.from({ length }, (_, i) => (i % 3 < 2 ? i % 3 : 10 + i));

test("drafts that are right grow, drafts that are wrong end", () => {
  const cost = costOf((columns) => 8 + 2 * columns);
  const first = draftsAfter(cycle(24), cost);
  assert.ok(first > 0, "a match is worth a try");
  assert.ok(draftsAfter(cycle(60), cost) > first, "after right drafts");
  assert.ok(draftsAfter(pairs(8), cost) > 0, "two tokens are worth a try");
  assert.equal(draftsAfter(pairs(80), cost), 0, "after wrong drafts");
});

test("drafts are judged without being made: where they would be right again, they are made again", () => {
  const cost = costOf((columns) => 8 + 2 * columns);
  const triples = Array.from({ length: 30 }, (_, i) => [200, 201, 202, 300 + i]).flat();
  assert.equal(draftsAfter(pairs(80), cost), 0);
  assert.ok(draftsAfter([...pairs(80), ...triples, 200, 201], cost) > 0);
});

test("where every token of a step costs as much as a step, nothing is drafted", () => {
  assert.equal(
    draftsAfter(
      cycle(60),
      costOf((columns) => 10 * columns),
    ),
    0,
  );
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
  test(`an answer that ${name} is the same with and without drafts`, async () => {
    const answers = [];
    for (const speculation of [true, false]) {
      const { engine, scheduler } = await startScheduler({ next, stepMs: () => 1 }, {}, { speculation });
      const streams = ["the hall lamp, ", "x", "the hall"].map((text) =>
        scheduler.submit(request(text, { maxTokens: 60 })),
      );
      const outcomes = await Promise.all(streams.map((stream) => outcome(stream)));
      answers.push(outcomes.map(({ tokens, end }) => ({ tokens, end })));
      const drafted = engine.plans.some(({ chunks }) => chunks.some(({ drafts = 0 }) => drafts > 0));
      if (next !== hashedLetters || !speculation) assert.equal(drafted, speculation);
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
