import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { StepTurns } from "../../../src/scheduler/step-turns.js";

test("the steps of several engines take turns, also when one fails", async () => {
  const turns = new StepTurns();
  let running = 0;
  const order: number[] = [];
  const step = (n: number) => async () => {
    assert.equal(++running, 1, "two steps ran at the same time");
    await nextTurn();
    order.push(n);
    running--;
    if (n === 2) throw new Error("failed");
    return n;
  };
  const results = await Promise.allSettled([1, 2, 3].map((n) => turns.take(step(n))));
  assert.deepEqual(order, [1, 2, 3]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});
