import assert from "node:assert/strict";
import test from "node:test";
import { type PlanSlot, plan } from "../../../src/scheduler/step-plan.js";
import { prefill } from "./plans.js";

const decode = (index: number): PlanSlot => ({
  index,
  phase: "decode",
  pendingTokens: 1,
  drafts: 0,
  admission: index,
  sample: true,
});

const bySlot = (chunks: ReturnType<typeof plan>) =>
  Object.fromEntries(chunks.map(({ slot, tokens }) => [slot, tokens]));

test("decoding streams go first, whatever the prompts want", () => {
  const chunks = plan([prefill(0, 1000), decode(1), decode(2)], { batchTokens: 8, prefillTokens: 8, turn: 0 });
  assert.deepEqual(bySlot(chunks), { 1: 1, 2: 1, 0: 6 });
  assert.deepEqual(chunks.slice(0, 2), [
    { slot: 1, tokens: 1, drafts: 0, sample: true },
    { slot: 2, tokens: 1, drafts: 0, sample: true },
  ]);
});

test("a prompt gets a chunk of the prefill budget, and a token is drawn after its last piece only", () => {
  assert.deepEqual(plan([prefill(0, 100)], { batchTokens: 256, prefillTokens: 64, turn: 0 }), [
    { slot: 0, tokens: 64, drafts: 0, sample: false },
  ]);
  assert.deepEqual(plan([prefill(0, 36)], { batchTokens: 256, prefillTokens: 64, turn: 0 }), [
    { slot: 0, tokens: 36, drafts: 0, sample: true },
  ]);
});

test("the prompt with the least left is read first, and what it leaves goes to the next", () => {
  const chunks = plan([prefill(0, 1000), prefill(1, 4), prefill(2, 30)], {
    batchTokens: 64,
    prefillTokens: 64,
    turn: 0,
  });
  assert.deepEqual(bySlot(chunks), { 1: 4, 2: 30, 0: 30 });
});

test("of equal prompts the oldest is read first", () => {
  const slots = [prefill(3, 90), prefill(1, 90), prefill(2, 90)];
  assert.deepEqual(bySlot(plan(slots, { batchTokens: 64, prefillTokens: 64, turn: 0 })), { 1: 64 });
});

test("the oldest prompt has an eighth of what is read, however many shorter ones come", () => {
  const oldestGets = (prefillTokens: number) => {
    let tokens = 0;
    for (let turn = 0; turn < 80; turn++) {
      const slots = [prefill(0, 100_000), prefill(turn + 1, 500), prefill(turn + 2, 500)];
      tokens += bySlot(plan(slots, { batchTokens: 64, prefillTokens, turn }))[0] ?? 0;
    }
    return tokens / (80 * prefillTokens);
  };
  for (const tokens of [1, 3, 8, 61]) assert.ok(Math.abs(oldestGets(tokens) - 1 / 8) < 0.01, `${tokens} a step`);
});

test("decoding streams alone may fill the batch", () => {
  const chunks = plan([decode(0), decode(1), prefill(2, 9)], { batchTokens: 2, prefillTokens: 9, turn: 0 });
  assert.deepEqual(bySlot(chunks), { 0: 1, 1: 1 });
});

test("a plan never exceeds its budgets and never starves, for thousands of random states", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  for (let round = 0; round < 5000; round++) {
    const slots = Array.from({ length: 1 + random(6) }, (_, i) =>
      random(2) ? decode(i) : prefill(i, 1 + random(300)),
    );
    const budget = { batchTokens: 1 + random(64), prefillTokens: 1 + random(64), turn: round };
    const chunks = plan(slots, budget);
    const isPrompt = (slot: number) => slots[slot]?.phase === "prefill";
    const sum = (of: typeof chunks) => of.reduce((total, chunk) => total + chunk.tokens, 0);
    assert.ok(sum(chunks) <= budget.batchTokens);
    assert.ok(sum(chunks.filter(({ slot }) => isPrompt(slot))) <= budget.prefillTokens);
    assert.equal(new Set(chunks.map(({ slot }) => slot)).size, chunks.length);
    for (const { slot, tokens } of chunks) assert.ok(tokens >= 1 && tokens <= (slots[slot]?.pendingTokens ?? 0));
    const wanted = slots.reduce((total, slot) => total + slot.pendingTokens, 0);
    assert.ok(sum(chunks) >= Math.min(wanted, 1), "something moves");
  }
});

test("drafts ride along where the batch has room, after every stream has its token", () => {
  const drafting = (index: number, drafts: number): PlanSlot => ({ ...decode(index), drafts });
  const chunks = plan([drafting(0, 4), drafting(1, 4), prefill(2, 9)], { batchTokens: 8, prefillTokens: 8, turn: 0 });
  assert.deepEqual(
    chunks.map(({ slot, tokens, drafts }) => [slot, tokens, drafts]),
    [
      [0, 1, 4],
      [1, 1, 2],
    ],
  );
});

/** The waits of prompts that come at random, to four slots, for their first token, in units of read tokens; oldest first in the queue. */
function waits(prompts: readonly { at: number; tokens: number }[], planner: typeof plan): number[] {
  const perStep = 32;
  const waiting = prompts.map((prompt, admission) => ({ ...prompt, admission, left: prompt.tokens }));
  const busy: typeof waiting = [];
  const result: number[] = [];
  let now = 0;
  for (let turn = 0; result.length < prompts.length; turn++) {
    while (busy.length < 4 && waiting[0] && waiting[0].at <= now) busy.push(...waiting.splice(0, 1));
    if (busy.length === 0) {
      now = waiting[0]?.at ?? now;
      continue;
    }
    const slots = busy.map(({ admission, left }) => ({ ...prefill(admission, left) }));
    const chunks = planner(slots, { batchTokens: perStep, prefillTokens: perStep, turn });
    now += chunks.reduce((sum, { tokens }) => sum + tokens, 0);
    for (const { slot, tokens } of chunks) {
      const of = busy.find(({ admission }) => admission === slot);
      if (!of) continue;
      of.left -= tokens;
      if (of.left > 0) continue;
      result.push(now - of.at);
      busy.splice(busy.indexOf(of), 1);
    }
  }
  return result;
}

/** Each prompt has the same share of a step. */
const equalShares: typeof plan = (slots, { prefillTokens }) => {
  let left = prefillTokens;
  return [...slots]
    .sort((a, b) => a.pendingTokens - b.pendingTokens)
    .map(({ index, pendingTokens }, given) => {
      const tokens = Math.min(pendingTokens, Math.ceil(left / (slots.length - given)));
      left -= tokens;
      return { slot: index, tokens, drafts: 0, sample: tokens === pendingTokens };
    })
    .filter(({ tokens }) => tokens > 0);
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("four equal prompts at once wait for 0.7 of the last one's time on average, which is no later than before", () => {
  const together = Array.from({ length: 4 }, () => ({ at: 0, tokens: 400 }));
  const [fair, equal] = [waits(together, plan), waits(together, equalShares)];
  assert.ok(mean(fair) <= 0.7 * Math.max(...fair), `${fair}`);
  assert.ok(Math.max(...fair) <= Math.max(...equal));
});

test("of 10,000 prompts that come at random none starves, and they wait less on average than with equal shares", () => {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  let at = 0;
  const prompts = Array.from({ length: 10_000 }, () => {
    const tokens = random() < 0.05 ? 4000 : 20 + Math.floor(400 * random());
    at += Math.floor(tokens * (0.4 + 1.4 * random())); // nine tenths of what can be read
    return { at, tokens };
  });
  const [fair, equal] = [waits(prompts, plan), waits(prompts, equalShares)];
  assert.equal(fair.length, prompts.length);
  assert.ok(mean(fair) < mean(equal), `${mean(fair)} and ${mean(equal)}`);
  assert.ok(Math.max(...fair) <= 8 * 4000 + Math.max(...equal), `${Math.max(...fair)} and ${Math.max(...equal)}`);
});
