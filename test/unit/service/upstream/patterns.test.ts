import assert from "node:assert/strict";
import test from "node:test";
import { matches } from "../../../../src/service/upstream/patterns.js";

test("patterns: * stands for any text, everything else for itself", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["big", "big", true],
    ["big", "bigger", false],
    ["*", "anything", true],
    ["org/*", "org/", true],
    ["org/*", "other/org/x", false],
    ["*-instruct", "x-instruct", true],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "ac", false],
    ["aa*aa", "aaa", false],
    ["a.c", "abc", false],
    [`${"a*".repeat(30)}b`, "a".repeat(200), false],
  ];
  for (const [pattern, name, expected] of cases) assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
});
