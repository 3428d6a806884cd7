/** The check of a call's arguments against a tool's schema agrees with Ajv's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { holdsSchema } from "../../../../src/chat/answers/schema-check.js";
import { processorMs } from "../../../helpers/processor-time.js";

const values = [
  ...[null, true, "", "on", "three", 0, 1, 1.5, 10, 101, -1],
  ...[[], [1], [1, 1], ["a", 2], [[1]], {}, { a: 1 }, { a: "x" }, { a: 1, b: 2 }, { b: { a: null } }, { c: [] }],
];

const schemas = [
  ...[true, false, {}, { type: "string" }, { type: ["integer", "null"] }, { type: "number" }, { type: "object" }],
  ...[{ enum: ["on", 1, { a: 1 }] }, { const: [1] }, { type: "integer", minimum: 1, maximum: 100 }],
  ...[{ exclusiveMinimum: 0, exclusiveMaximum: 10 }, { multipleOf: 0.5 }, { multipleOf: 2 }],
  ...[{ minLength: 1, maxLength: 2 }, { minItems: 1, maxItems: 1 }, { uniqueItems: true }],
  ...[
    { type: "array", items: { type: "integer" } },
    { prefixItems: [{ type: "string" }], items: { type: "integer" } },
  ],
  ...[{ required: ["a"] }, { properties: { a: { type: "integer" } }, additionalProperties: false }],
  ...[{ additionalProperties: { type: "integer" } }, { minProperties: 1, maxProperties: 1 }],
  ...[{ allOf: [{ required: ["a"] }, { required: ["b"] }] }, { anyOf: [{ type: "string" }, { type: "null" }] }],
  ...[{ $defs: { n: { type: "integer" } }, properties: { a: { $ref: "#/$defs/n" } } }],
  ...[{ properties: { b: { $ref: "#" }, a: { type: ["null", "integer"] } }, additionalProperties: false }],
];

for (const schema of schemas) {
  test(`the check agrees with a validator: ${JSON.stringify(schema)}`, () => {
    const validate = new Ajv2020({ strict: false }).compile(schema);
    for (const value of values) assert.equal(holdsSchema(value, schema), validate(value), JSON.stringify(value));
  });
}

test("schemas that make no sense constrain nothing", () => {
  for (const schema of [
    undefined,
    5,
    "x",
    { type: 5 },
    { required: "a" },
    { $ref: "http://elsewhere/" },
    { items: 3 },
  ]) {
    assert.ok(holdsSchema({ a: 1 }, schema));
  }
});

test("schemas and values that make endless work hold nothing, and soon", () => {
  const choice = { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] };
  const items = Array.from({ length: 20_000 }, (_, i) => i);
  const took = processorMs(() => {
    assert.equal(holdsSchema({}, { ...choice, $defs: { a: choice } }), false);
    assert.equal(holdsSchema({}, { $ref: "#" }), false);
    assert.equal(holdsSchema({ items }, { properties: { items: { uniqueItems: true } } }), false);
  });
  assert.ok(took < 2000, `${took} ms`);
});
