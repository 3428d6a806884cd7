/** When a model that makes the same calls again and again has to answer in words. */
import assert from "node:assert/strict";
import test from "node:test";
import { repeatsCalls, SameCalls } from "../../../src/service/repeated-calls.js";
import type { Message } from "../../../src/service/types.js";

const user: Message = { role: "user", content: "Kitchen lights on please" };
const asks = (json: string, name = "turn_on"): Message => ({
  role: "assistant",
  content: "",
  toolCalls: [{ id: "call_1", name, arguments: json }],
});
const result = (content = '{"success": true}'): Message => ({ role: "tool", content, toolCallId: "call_1" });
const round = [asks('{"name": "Kitchen", "area": "Kitchen"}'), result()];
const rounds = (count: number): Message[] => Array.from({ length: count }, () => round).flat();

test("the calls of an answer are counted as long as each is the one before it, however it is written", () => {
  const sameCalls = new SameCalls();
  const countOf = (name: string, ...pieces: string[]) => {
    assert.equal(sameCalls.take({ type: "call", id: "call_1", name }), 0);
    for (const text of pieces) assert.equal(sameCalls.take({ type: "arguments", text }), 0);
    return sameCalls.take({ type: "callEnd", complete: true });
  };
  assert.equal(countOf("skip", '{"by": 1, "in": "Kitchen"}'), 1);
  assert.equal(countOf("skip", '{"in":', '"Kitchen", "by": 1}'), 2);
  assert.equal(countOf("skip", '{"in": "Hall", "by": 1}'), 1);
  assert.equal(countOf("play", '{"in": "Hall", "by": 1}'), 1);
  assert.equal(countOf("play", '{"in": "Hall", "by": 1}'), 2);
  assert.equal(sameCalls.take({ type: "text", text: "!" }), 0);
  assert.equal(countOf("play"), 1);
  assert.equal(countOf("play"), 2);
});

test("the same calls with the same results so often in a row at the end of a turn are a repetition", () => {
  assert.equal(repeatsCalls([user, ...rounds(2)], 3), false);
  assert.equal(repeatsCalls([user, ...rounds(3)], 3), true);
  assert.equal(repeatsCalls([user, ...rounds(9)], 3), true);
  assert.equal(repeatsCalls([user, ...rounds(1)], 1), true);
  assert.equal(repeatsCalls([user, ...rounds(9)], 0), false);
});

test("how arguments are written makes no difference, and what they are does", () => {
  const same = asks('{"area":"Kitchen","name":"Kitchen"}');
  assert.equal(repeatsCalls([user, ...rounds(2), same, result()], 3), true);
  for (const other of [asks('{"name":"Kitchen"}'), asks('{"name": "Kitchen", "area": "Kitchen"}', "turn_off")]) {
    assert.equal(repeatsCalls([user, ...rounds(2), other, result()], 3), false);
    assert.equal(repeatsCalls([user, other, result(), ...rounds(3)], 3), true);
  }
  const broken = [asks("{"), result()];
  assert.equal(repeatsCalls([user, ...broken, ...broken, ...broken], 3), true);
});

test("a result that differs is progress, and so is anything between the rounds", () => {
  assert.equal(repeatsCalls([user, ...rounds(2), round[0] as Message, result("done")], 3), false);
  const words: Message = { role: "assistant", content: "Once more." };
  for (const between of [user, words]) {
    assert.equal(repeatsCalls([user, ...rounds(2), between, ...rounds(1)], 3), false);
  }
  assert.equal(repeatsCalls([user, ...rounds(3), user], 3), false, "a new turn");
  assert.equal(repeatsCalls([user, ...rounds(3), round[0] as Message], 3), false, "a call without a result");
  assert.equal(repeatsCalls([], 3), false);
});

test("calls that were made together stand in one message or in several", () => {
  const [first, second] = [asks("{}", "a"), asks("{}", "b")];
  const together: Message = { ...first, toolCalls: [...(first.toolCalls ?? []), ...(second.toolCalls ?? [])] };
  const results = [result("1"), result("2")];
  const one = [together, ...results];
  const several = [first, second, ...results];
  assert.equal(repeatsCalls([user, ...one, ...several, ...one], 3), true);
  assert.equal(repeatsCalls([user, ...one, first, result("1"), ...one], 3), false);
});
