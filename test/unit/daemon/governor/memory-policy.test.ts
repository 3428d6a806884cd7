import assert from "node:assert/strict";
import { test } from "node:test";
import { type MemoryAction, MemoryPolicy, type MemorySample } from "../../../../src/daemon/governor/memory-policy.js";

const gb = 1e9;

/** A model of 4 GB as a policy has it, on a system with so much room for weights: does what the policy says, a second a look. */
class Board {
  readonly policy = new MemoryPolicy();
  sample: MemorySample = {
    weightBytes: 4 * gb,
    heldBytes: 4 * gb,
    affordableBytes: 6 * gb,
    stalledPercent: null,
    nowMs: 0,
    idleTokens: 0,
    prefixTokens: 0,
    freeKvBytes: 0.2 * gb,
  };

  look(change: Partial<MemorySample> = {}): MemoryAction | null {
    this.sample = { ...this.sample, ...change, nowMs: this.sample.nowMs + 1000 };
    const action = this.policy.decide(this.sample);
    if (action?.kind === "giveBackIdle") this.sample = { ...this.sample, idleTokens: 0 };
    if (action?.kind === "giveBackPrefixes") this.sample = { ...this.sample, prefixTokens: 0 };
    if (action?.kind === "fitWeights") this.sample = { ...this.sample, heldBytes: action.bytes };
    return action;
  }

  /** The actions until there is none for a minute. */
  settle(change: Partial<MemorySample> = {}): MemoryAction[] {
    const actions: MemoryAction[] = [];
    for (let calm = 0; calm < 60; calm++) {
      const action = this.look(calm === 0 ? change : {});
      if (action === null) continue;
      actions.push(action);
      calm = 0;
      assert.ok(actions.length < 100, "it goes on for ever");
    }
    return actions;
  }
}

test("with memory for all nothing is given back", () => {
  assert.deepEqual(new Board().settle({ idleTokens: 500, prefixTokens: 500 }), []);
});

test("idle conversations go first, then prompts that are kept, then weights as far as others need", () => {
  const board = new Board();
  const kinds = board.settle({ affordableBytes: 2.6 * gb, idleTokens: 500, prefixTokens: 900 }).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["giveBackIdle", "giveBackPrefixes", "fitWeights"]);
  assert.equal(board.sample.heldBytes, 2.5 * gb);
});

test("no weights go where the conversations were enough", () => {
  const board = new Board();
  assert.deepEqual(board.look({ affordableBytes: 3.8 * gb, idleTokens: 500 }), { kind: "giveBackIdle" });
  assert.deepEqual(
    board.settle({ affordableBytes: 4.1 * gb }).filter(({ kind }) => kind === "fitWeights"),
    [],
  );
});

test("weights are taken again when there was room for ten seconds, all of them where they fit, and then room for keys and values", () => {
  const board = new Board();
  board.settle({ affordableBytes: 2.6 * gb, idleTokens: 1 });
  for (let i = 0; i < 9; i++) assert.equal(board.look({ affordableBytes: i % 2 ? 2.6 * gb : 5 * gb }), null);
  const actions = board.settle({ affordableBytes: 3.1 * gb });
  assert.deepEqual(actions, [{ kind: "fitWeights", bytes: 3 * gb }]);
  assert.deepEqual(board.settle({ affordableBytes: 5 * gb }), [
    { kind: "fitWeights", bytes: 4 * gb },
    { kind: "holdFreeKv" },
  ]);
});

test("where nothing is left to give the policy rests", () => {
  const board = new Board();
  assert.deepEqual(board.settle({ affordableBytes: 0 }), [{ kind: "fitWeights", bytes: 0 }]);
  // The ring has a least size.
  assert.deepEqual(board.settle({ heldBytes: 20e6, affordableBytes: 0 }), []);
  const small = new Board();
  assert.deepEqual(small.settle({ weightBytes: 5e6, heldBytes: 5e6, affordableBytes: 0 }), []);
});

test("programs that wait for memory get a step of weights at a time, unless there is plenty", () => {
  const board = new Board();
  assert.equal(board.look({ stalledPercent: 40 }), null);
  assert.deepEqual(board.look({ affordableBytes: 4.2 * gb }), { kind: "fitWeights", bytes: 3.75 * gb });
  assert.equal(board.look(), null);
  assert.deepEqual(board.settle({ stalledPercent: 5 }), []);
  assert.deepEqual(board.settle({ stalledPercent: 0.2, affordableBytes: 5 * gb }), [
    { kind: "fitWeights", bytes: 4 * gb },
  ]);
});
