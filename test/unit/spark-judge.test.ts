import assert from "node:assert/strict";
import { test } from "node:test";
import { isIdle, isOneOf, readCalls, readsStates, tellsStates } from "../spark/today.js";

const lamp = {
  name: "intent__HassTurnOn",
  arguments: { name: ["Lamp", "Moon"] },
  may: { domain: [["light"]] },
};
const door = { name: "intent__HassTurnOn", arguments: { name: ["Door"] }, may: {} };
const written = (args: unknown) =>
  `<tool_call>\n${JSON.stringify({ name: "HassTurnOn", arguments: args })}\n</tool_call>`;
const calls = (text: string) => readCalls(text, (name) => `intent__${name}`);

test("a held-out call is right with its arguments, an alias, and what does no harm", () => {
  for (const args of [{ name: "lamp" }, { name: "Moon" }, { name: "Lamp", domain: ["light"] }]) {
    assert.equal(isOneOf([[lamp]], calls(written(args))), true, JSON.stringify(args));
  }
  for (const args of [{}, { name: "Lamps" }, { name: "Lamp", domain: ["fan"] }, { name: "Lamp", area: "Hall" }]) {
    assert.equal(isOneOf([[lamp]], calls(written(args))), false, JSON.stringify(args));
  }
});

test("several held-out calls are right in any order, and no more of them", () => {
  const both = written({ name: "Door" }) + written({ name: "Lamp" });
  assert.equal(isOneOf([[lamp, door]], calls(both)), true);
  assert.equal(isOneOf([[lamp]], calls(both)), false);
  assert.equal(isOneOf([[lamp], [lamp, lamp]], calls(both)), false);
  assert.equal(calls("<tool_call>{</tool_call>"), null);
});

test("a time is right however it is parted, and somebody's own words without an article", () => {
  const timer = { name: "intent__HassTurnOn", arguments: {}, may: { name: ["egg"] }, seconds: 5400 };
  const item = { name: "intent__HassTurnOn", arguments: { item: ["a bag of rice"], name: ["The List"] }, may: {} };
  const right = (args: unknown) => isOneOf([[timer], [item]], calls(written(args)));
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
  const told = (answer: string) => tellsStates(question, answer);
  assert.deepEqual([told("No, the On Lamp is off."), told("On Lamp is off.")], [true, true]);
  assert.deepEqual([told("It is not on."), told("On Lamp is on."), told(""), told("Perhaps.")], Array(4).fill(false));
  const degrees = (answer: string) => tellsStates({ ...question, says: [["21"]], never: [] }, answer);
  assert.deepEqual([degrees("It is 21 degrees."), degrees("At 21.")], [true, true]);
  assert.deepEqual([degrees("21.5"), degrees("121"), degrees("1.21")], [false, false, false]);
});

test("where nothing is to do, words are due and no call", () => {
  assert.deepEqual([isIdle("Hello!"), isIdle(" "), isIdle(written({}))], [true, false, false]);
});
