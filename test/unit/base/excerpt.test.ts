import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import { excerpt, quoted } from "../../../src/base/excerpt.js";
import { answerGrammar } from "../../../src/chat/grammar/answer.js";

test("what is short is repeated whole, what is long by its beginning and its end", () => {
  assert.equal(excerpt("short"), "short");
  assert.equal(quoted('a "b"'), '"a \\"b\\""');
  assert.equal(quoted(undefined), "undefined");
  assert.equal(excerpt(`${"a".repeat(500)}z`, 11), "aaaa...aaaz");
  for (const long of ["x".repeat(1e6), "\u0000".repeat(1e6), "\u{1f600}".repeat(1e6), Array(1e5).fill("y")]) {
    assert.ok(quoted(long).length <= 62, `${quoted(long).length}`);
    assert.ok(Buffer.from(quoted(long)).toString().length === quoted(long).length);
  }
  assert.ok(!/[\ud800-\udfff]/.test(excerpt("\u{1f600}".repeat(100), 20).replaceAll("\u{1f600}", "")));
});

const schemas: readonly [what: string, schema: unknown][] = [
  ["a name of a property", { type: "object", properties: { ["x".repeat(9000)]: { type: "nope" } } }],
  ["a type", { type: "x".repeat(9000) }],
  ["a list of types", { type: [["x".repeat(9000)]] }],
  ["a reference", { $ref: "x".repeat(9000) }],
  ["a place that is not there", { $ref: `#/${"x".repeat(9000)}` }],
  ["a pattern", { type: "string", pattern: `(${"x".repeat(9000)}` }],
  ["a repetition", { type: "string", pattern: `a{${"9".repeat(9000)}}` }],
  ["a code point", { type: "string", pattern: `\\u{${"9".repeat(9000)}}` }],
  [
    "a path of many levels",
    Array(150)
      .fill(0)
      .reduce((inner) => ({ type: "array", items: inner }), {}),
  ],
];

for (const [what, schema] of schemas) {
  test(`an error about a schema repeats at most 200 characters of it: ${what}`, () => {
    const shape = { tools: [], family: null, several: true, begun: null, reasoning: null, inReasoning: false };
    const format = { type: "json_schema", schema, strict: true } as const;
    assert.throws(
      () => answerGrammar({ ...shape, specialTokens: [], format }),
      (error) => error instanceof HearthError && error.code === "SCHEMA_UNSUPPORTED" && error.message.length < 280,
    );
  });
}
