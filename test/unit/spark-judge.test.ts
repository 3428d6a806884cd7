import assert from "node:assert/strict";
import { test } from "node:test";
import { isIdle, isOneOf, readsStates, tellsStates } from "../spark/today.js";

const lamp = {
  name: "intent__HassTurnOn",
  arguments: { name: ["Lamp", "Moon"] },
  may: { domain: [["light"]] },
};
const door = { name: "intent__HassTurnOn", arguments: { name: ["Door"] }, may: {} };
const call = (args: Record<string, unknown>) => ({ name: "intent__HassTurnOn", arguments: args });

test("a held-out call is right with its arguments, an alias, and what does no harm", () => {
  for (const args of [{ name: "lamp" }, { name: "Moon" }, { name: "Lamp", domain: ["light"] }]) {
    assert.equal(isOneOf([[lamp]], [call(args)]), true, JSON.stringify(args));
  }
  for (const args of [{}, { name: "Lamps" }, { name: "Lamp", domain: ["fan"] }, { name: "Lamp", area: "Hall" }]) {
    assert.equal(isOneOf([[lamp]], [call(args)]), false, JSON.stringify(args));
  }
});

test("several held-out calls are right in any order, and no more of them", () => {
  const both = [call({ name: "Door" }), call({ name: "Lamp" })];
  assert.equal(isOneOf([[lamp, door]], both), true);
  assert.equal(isOneOf([[lamp]], both), false);
  assert.equal(isOneOf([[lamp], [lamp, lamp]], both), false);
  assert.equal(isOneOf([[]], null), false);
});

test("a time is right however it is parted, and somebody's own words without an article", () => {
  const timer = { name: "intent__HassTurnOn", arguments: {}, may: { name: ["egg"] }, seconds: 5400 };
  const item = { name: "intent__HassTurnOn", arguments: { item: ["a bag of rice"], name: ["The List"] }, may: {} };
  const right = (args: Record<string, unknown>) => isOneOf([[timer], [item]], [call(args)]);
  for (const args of [
    { hours: 1, minutes: 30 },
    { hours: 0, minutes: 90 },
    { seconds: 5400, name: "Egg" },
    { item: "Bag of rice", name: "the list" },
  ]) {
    assert.equal(right(args), true, JSON.stringify(args));
  }
  for (const args of [
    {},
    { minutes: 30 },
    { minutes: "90" },
    { minutes: 90, area: "Hall" },
    { item: "a bag of rice", name: "list" },
  ]) {
    assert.equal(right(args), false, JSON.stringify(args));
  }
});

const question = {
  reads: "GetLiveContext",
  filters: { name: ["On Lamp"], domain: ["light"], area: [] },
  says: [["off", "no"]],
  never: ["on", "yes"],
};

test("a question on states reads them first, and may leave out only what was not asked", () => {
  const read = (args: Record<string, unknown>) => readsStates(question, [{ name: "GetLiveContext", arguments: args }]);
  assert.deepEqual([read({}), read({ name: "on lamp" }), read({ domain: ["light"] })], [true, true, true]);
  assert.deepEqual([read({ name: "Fan" }), read({ area: "Hall" }), read({ floor: "1" })], [false, false, false]);
  assert.equal(readsStates(question, [{ name: "HassTurnOn", arguments: {} }]), false);
});

test("an answer tells the right state and not its opposite", () => {
  const told = (text: string) => tellsStates(question, { text, calls: [] });
  assert.deepEqual([told("No, the On Lamp is off."), told("On Lamp is off.")], [true, true]);
  assert.deepEqual([told("It is not on."), told("On Lamp is on."), told(""), told("Perhaps.")], Array(4).fill(false));
  const degrees = (text: string) => tellsStates({ ...question, says: [["21"]], never: [] }, { text, calls: [] });
  assert.deepEqual([degrees("It is 21 degrees."), degrees("At 21.")], [true, true]);
  assert.deepEqual([degrees("21.5"), degrees("121"), degrees("1.21")], [false, false, false]);
});

test("where nothing is to do, words are due and no call", () => {
  const idle = (text: string, ...calls: unknown[]) => isIdle({ text, calls: calls.map(() => call({})) });
  assert.deepEqual(
    [idle("Hello!"), idle(" "), idle("Done.", 1), isIdle({ text: "Hello!", calls: null })],
    [true, false, false, false],
  );
});
