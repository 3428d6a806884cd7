import assert from "node:assert/strict";
import test from "node:test";
import { commonPrefix, type PrefixSlot, place } from "../../../src/scheduler/slot-placement.js";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const slot = (index: number, tokens: number[], more: Partial<PrefixSlot> = {}): PrefixSlot => ({
  index,
  tokens,
  busy: false,
  cacheKey: null,
  lastUsed: index,
  pinned: false,
  resumable: (kept) => kept,
  ...more,
});

test("the common prefix ends at the first difference, at an end, or at the limit", () => {
  assert.equal(commonPrefix([1, 2, 3], [1, 2, 4], 9), 2);
  assert.equal(commonPrefix([1, 2], [1, 2, 4], 9), 2);
  assert.equal(commonPrefix([1, 2, 3], [1, 2, 3], 2), 2);
  assert.equal(commonPrefix([], [1], 9), 0);
});

test("the next turn of a conversation takes its own slot over", () => {
  const slots = [slot(0, []), slot(1, range(0, 100)), slot(2, range(500, 600))];
  assert.deepEqual(place(slots, range(0, 120), 119, null), { slot: 1, source: 1, shared: 100, keep: 100 });
});

test("the last prompt token is computed again", () => {
  assert.deepEqual(place([slot(0, range(0, 100))], range(0, 100), 99, null), {
    slot: 0,
    source: 0,
    shared: 99,
    keep: 99,
  });
});

test("a stranger with the same system prompt forks it and leaves the conversation alone", () => {
  const conversation = [...range(0, 50), ...range(1000, 1200)];
  const slots = [slot(0, conversation, { lastUsed: 1 }), slot(1, range(700, 720), { lastUsed: 2 })];
  assert.deepEqual(place(slots, range(0, 80), 79, null), { slot: 1, source: 0, shared: 50, keep: 50 });
});

test("a busy slot is forked from, never taken", () => {
  const slots = [slot(0, range(0, 100), { busy: true }), slot(1, [])];
  assert.deepEqual(place(slots, range(0, 100), 99, null), { slot: 1, source: 0, shared: 99, keep: 99 });
});

test("a prefix too short to pay for a slot is not forked", () => {
  const slots = [slot(0, [7, ...range(100, 300)], { lastUsed: 9 }), slot(1, range(500, 600), { lastUsed: 3 })];
  assert.deepEqual(place(slots, [7, 8, 9], 2, null), { slot: 1, source: null, shared: 0, keep: 0 });
});

test("without any prefix an empty slot is taken, then the one used longest ago", () => {
  const used = slot(0, range(0, 9), { lastUsed: 1 });
  assert.equal(place([used, slot(1, [], { lastUsed: 5 })], range(50, 60), 9, null)?.slot, 1);
  assert.equal(place([used, slot(1, range(20, 30), { lastUsed: 5 })], range(50, 60), 9, null)?.slot, 0);
});

test("among equal prefixes the conversation's own slot wins", () => {
  const shared = range(0, 40);
  const slots = [slot(0, shared), slot(1, shared, { cacheKey: "kitchen" })];
  assert.equal(place(slots, range(0, 60), 59, "kitchen")?.slot, 1);
});

test("no idle slot, no place", () => {
  assert.equal(place([slot(0, range(0, 9), { busy: true })], range(0, 9), 8, null), null);
});

test("a slot that can go back to checkpoints only is judged by what it keeps, and is told what was shared", () => {
  const everyTen = { resumable: (tokens: number) => tokens - (tokens % 10) };
  const slots = [slot(0, range(0, 48), everyTen), slot(1, range(0, 44)), slot(2, [])];
  assert.deepEqual(place(slots, range(0, 60), 59, null), { slot: 1, source: 1, shared: 44, keep: 44 });
  const alone = [slot(0, [...range(0, 38), ...range(900, 1000)], everyTen), slot(1, [])];
  assert.deepEqual(place(alone, range(0, 60), 59, null), { slot: 1, source: 0, shared: 38, keep: 30 });
});

test("nothing to keep is still a fork where enough is shared, so that the engine learns where prompts part", () => {
  const slots = [slot(0, range(0, 48), { resumable: () => 0 }), slot(1, [])];
  assert.deepEqual(place(slots, [...range(0, 30), 7], 30, null), { slot: 1, source: 0, shared: 30, keep: 0 });
});
