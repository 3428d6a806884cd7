import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import type { Model } from "../../src/engine/contract.js";
import { loadSpark, schemaGrammar } from "./spark.js";

let model: Model;
test.before(async () => {
  model = await loadSpark();
});

interface Case {
  readonly schema: unknown;
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
}

const tree = {
  type: "object",
  properties: { v: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/tree" }, { type: "null" }] } },
  required: ["v", "next"],
  additionalProperties: false,
};

const cases: Readonly<Record<string, Case>> = {
  "any object": {
    schema: { type: "object" },
    valid: ["{}", '{"a": 1}', '{"a":{"b":[1,2,null,true,"x\\n\\u00e9é\\ud83d\\ude00"]}}', '{\n  "a": 1\n}'],
    invalid: ["[]", '{"a":}', '{"a":1,}', '{"a":"\\ud83d"}', '{"a":"\n"}', '{"a":01}', '{"a":1}}'],
  },
  "required and optional properties": {
    schema: { type: "object", properties: { a: { type: "integer" }, b: { type: "string" } }, required: ["a"] },
    valid: ['{"a": 1}', '{"a":1,"b":"x"}'],
    invalid: ["{}", '{"b":"x"}', '{"a":1.5}', '{"a":1,"c":2}', '{"a":1"b":"x"}'],
  },
  "additional properties that are no declared ones": {
    schema: { type: "object", properties: { ab: { type: "integer" } }, additionalProperties: { type: "boolean" } },
    valid: ["{}", '{"ab":1}', '{"ab":1,"zz":true}', '{"a":true}', '{"abc":false}', '{"":false}'],
    invalid: ['{"ab":true}', '{"c":2}', '{"\\u0061b":true}', '{"ab":1,"ab":true}'],
  },
  "one pattern of properties": {
    schema: { type: "object", patternProperties: { "^x-": { type: "null" } }, additionalProperties: false },
    valid: ["{}", '{"x-a": null, "x-": null}'],
    invalid: ['{"y": null}', '{"x-a": 1}'],
  },
  "names of properties": {
    schema: { type: "object", propertyNames: { enum: ["a", "b"] }, additionalProperties: { type: "integer" } },
    valid: ["{}", '{"a": 1, "b": 2}'],
    invalid: ['{"c": 1}', '{"a": "x"}'],
  },
  "a property without a schema, required": {
    schema: { type: "object", required: ["a"] },
    valid: ['{"a": [1]}'],
    invalid: ["{}", '{"b": 1}'],
  },
  "lengths in characters": {
    schema: { type: "string", minLength: 2, maxLength: 300 },
    valid: ['"ab"', `"${"é".repeat(300)}"`, '"\\n\\u00e9"', '"\\ud83d\\ude00a"'],
    invalid: ['"a"', `"${"é".repeat(301)}"`, '"\\n"', '"\\ud83d\\ude00"'],
  },
  "a pattern with a length": {
    schema: { type: "string", pattern: "^[a-z]{2,3}\\d+$", maxLength: 5 },
    valid: ['"ab123"', '"abc12"'],
    invalid: ['"abc123"', '"a1"', '"ab"'],
  },
  "a pattern that may stand anywhere": {
    schema: { type: "string", pattern: "b.d|^x$" },
    valid: ['"abcde"', '"b\\td"', '"x"', '"b\\"d"'],
    invalid: ['"bd"', '"xx"', '"b\\nd"'],
  },
  "integers within bounds": {
    schema: { type: "integer", minimum: -5, maximum: 120 },
    valid: ["-5", "0", "120", "99", "7"],
    invalid: ["-6", "121", "007", "1.5", "1e2"],
  },
  "integers from a bound on": {
    schema: { type: "integer", exclusiveMinimum: 99 },
    valid: ["100", "123456789"],
    invalid: ["99", "-100"],
  },
  "numbers within bounds": {
    schema: { type: "number", exclusiveMinimum: 0.25, maximum: 12.5 },
    valid: ["0.26", "0.2501", "12.5", "11.9", "1", "12.49", "12.50"],
    invalid: ["0.25", "0.2", "12.51", "13", "0", "-1", "0.250"],
  },
  "numbers on both sides of zero": {
    schema: { type: "number", minimum: -1.5, exclusiveMaximum: 2 },
    valid: ["-1.5", "-0.001", "0", "1.99", "1", "-1"],
    invalid: ["-1.51", "2", "2.0", "-2"],
  },
  "a multiple of one": { schema: { type: "number", multipleOf: 1 }, valid: ["3"], invalid: ["3.5"] },
  "a multiple within bounds": {
    schema: { type: "integer", multipleOf: 7, minimum: -20, maximum: 1000 },
    valid: ["-14", "-7", "0", "7", "994", "105"],
    invalid: ["-21", "1001", "8", "-0", "07"],
  },
  "a multiple without bounds": {
    schema: { type: "integer", multipleOf: 12 },
    valid: ["0", "12", "-24", "123456780"],
    invalid: ["13", "012", "1.2"],
  },
  "a multiple of much": {
    schema: { type: "integer", multipleOf: 3600, minimum: 1 },
    valid: ["3600", "86400"],
    invalid: ["0", "3601"],
  },
  "steps of a number": {
    schema: { type: "number", multipleOf: 0.25, minimum: 5, maximum: 30 },
    valid: ["5", "5.25", "29.75", "30", "7.5", "7.50", "30.0", "10"],
    invalid: ["4.75", "30.25", "5.3", "5.", "5.125", "05"],
  },
  cents: {
    schema: { type: "number", multipleOf: 0.01, exclusiveMinimum: 0 },
    valid: ["0.01", "19.99", "3", "0.5", "100.10"],
    invalid: ["0", "0.001", "-1", "0.00"],
  },
  "whole numbers that are multiples of a fraction": {
    schema: { type: "integer", multipleOf: 2.5, minimum: 0, maximum: 20 },
    valid: ["0", "5", "20"],
    invalid: ["2.5", "7", "25"],
  },
  "different items of a few, in any order": {
    schema: { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, minItems: 1, maxItems: 2 },
    valid: ['["a"]', '["c", "a"]'],
    invalid: ["[]", '["a","a"]', '["a","b","c"]', '["d"]'],
  },
  "different items of many, in their order": {
    schema: {
      type: "array",
      items: { type: "string", enum: Array.from({ length: 30 }, (_, i) => `v${i}`) },
      uniqueItems: true,
      minItems: 2,
    },
    valid: ['["v0","v1"]', '["v3", "v10", "v29"]'],
    invalid: ["[]", '["v3"]', '["v3","v3"]', '["v30","v31"]'],
  },
  "different items of one list": {
    schema: { type: "array", items: { type: "string" }, uniqueItems: true, maxItems: 1 },
    valid: ["[]", '["x"]'],
    invalid: ['["x","y"]'],
  },
  lists: {
    schema: { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 },
    valid: ["[1]", "[1, 2,3]", "[\n  1\n]"],
    invalid: ["[]", "[1,2,3,4]", "[1,]", '["1"]'],
  },
  "a list with a prefix": {
    schema: {
      type: "array",
      prefixItems: [{ type: "integer" }, { type: "string" }],
      items: { type: "null" },
      minItems: 1,
    },
    valid: ["[1]", '[1,"a"]', '[1,"a",null,null]'],
    invalid: ["[]", "[1,null]", '["a"]'],
  },
  recursion: {
    schema: { $ref: "#/$defs/tree", $defs: { tree } },
    valid: ['{"v":1,"next":{"v":2,"next":null}}'],
    invalid: ['{"v":1}', '{"v":1,"next":{}}'],
  },
  "listed values": {
    schema: { enum: ["a", 1, null, { x: [1] }] },
    valid: ['"a"', "1", "null", '{"x":[1]}'],
    invalid: ['"b"', "2"],
  },
  "listed values within other keywords": {
    schema: { type: ["string", "integer"], enum: ["a", "abc", 1, 50, true], minLength: 2, maximum: 9 },
    valid: ['"abc"', "1"],
    invalid: ['"a"', "50", "true"],
  },
  "oneOf told apart by a property": {
    schema: {
      oneOf: [
        { type: "object", properties: { k: { const: "a" } }, required: ["k"] },
        { type: "object", properties: { k: { const: "b" }, n: { type: "integer" } }, required: ["k", "n"] },
      ],
    },
    valid: ['{"k":"a"}', '{"k":"b","n":1}'],
    invalid: ['{"k":"b"}', '{"k":"c"}'],
  },
  "allOf of objects": {
    schema: {
      allOf: [
        { type: "object", properties: { a: { type: "integer", minimum: 1 } }, required: ["a"] },
        { properties: { a: { maximum: 3 }, b: { type: "string" } }, required: ["b"] },
      ],
    },
    valid: ['{"a":1,"b":"x"}', '{"a":3,"b":""}'],
    invalid: ['{"a":1}', '{"a":4,"b":"x"}', '{"a":0,"b":"x"}'],
  },
  "a reference with more beside it": {
    schema: { $ref: "#/definitions/n", maximum: 5, definitions: { n: { type: "integer", minimum: 3 } } },
    valid: ["3", "5"],
    invalid: ["2", "6"],
  },
  "anyOf with more beside it": {
    schema: {
      type: "integer",
      anyOf: [
        { maximum: 1, minimum: 0 },
        { minimum: 8, maximum: 9 },
      ],
    },
    valid: ["0", "8"],
    invalid: ["5"],
  },
  "annotations and unknown formats": {
    schema: { type: "string", title: "t", format: "colour", "x-own": 1, default: 3, maxLength: 1 },
    valid: ['"a"'],
    invalid: ['"ab"'],
  },
  "a date": {
    schema: { type: "string", format: "date" },
    valid: ['"2026-11-23"', '"2024-02-28"'],
    invalid: ['"2026-13-01"', '"2026-02-30"', '"2026-1-1"'],
  },
};

for (const [name, { schema, valid, invalid }] of Object.entries(cases)) {
  test(`texts that match: ${name}`, async () => {
    const grammar = await model.compileGrammar(schemaGrammar(schema));
    for (const text of valid) assert.equal(grammar.match(text), "whole", text);
    for (const text of invalid) assert.notEqual(grammar.match(text), "whole", text);
  });
}

const refused: readonly (readonly [schema: unknown, what: RegExp])[] = [
  [{ not: {} }, /not cannot be enforced/],
  [{ type: "array", uniqueItems: true }, /uniqueItems/],
  [{ type: "array", contains: {} }, /contains/],
  [{ type: "number", multipleOf: 1e-9 }, /multipleOf/],
  [{ type: "number", multipleOf: 0 }, /multipleOf/],
  [{ if: {}, else: {} }, /if/],
  [{ type: "object", properties: { a: { dependentRequired: {} } } }, /properties\/a: dependentRequired/],
  [{ $ref: "https://example.org/schema" }, /does not stay/],
  [{ $ref: "#/$defs/none" }, /nothing at/],
  [{ $ref: "#" }, /No text matches/],
  [{ oneOf: [{ type: "string" }, { minLength: 2 }] }, /oneOf may overlap/],
  [{ oneOf: [{ type: "integer" }, { type: "number" }] }, /oneOf may overlap/],
  [{ type: "string", pattern: "(a)\\1" }, /escape "\\1"/],
  [{ type: "string", pattern: "(?=a)" }, /lookahead/],
  [{ type: "string", pattern: "(?<!a)b" }, /lookbehind/],
  [{ type: "string", pattern: "\\bword" }, /escape "\\b"/],
  [{ type: "string", pattern: "(" }, /\( *"? ?|group|without|end/],
  [{ type: "integer", minimum: 5, maximum: 3 }, /no value/],
  [{ type: "integer", minimum: 0.2, maximum: 0.8 }, /no value/],
  [{ type: "string", minLength: 3, maxLength: 2 }, /no value/],
  [{ type: "wurst" }, /no type/],
  [{ allOf: [{ type: "string" }, { type: "null" }] }, /no value/],
  [{ allOf: [{ pattern: "a" }, { pattern: "b" }] }, /pattern/],
  [false, /no value/],
  [7, /object or a boolean/],
  [{ type: "object", minProperties: 2 }, /minProperties/],
];

for (const [schema, what] of refused) {
  test(`refused by name: ${JSON.stringify(schema)}`, async () => {
    await assert.rejects(
      async () => model.compileGrammar(schemaGrammar(schema)),
      (error: unknown) =>
        error instanceof HearthError &&
        ["SCHEMA_UNSUPPORTED", "GRAMMAR_INVALID"].includes(error.code) &&
        what.test(error.message),
    );
  });
}

const order = {
  name: "desk",
  parts: [
    { id: 1, tags: ["a", "b"] },
    { id: 2, tags: [] },
  ],
  more: { any: [true, null, {}] },
};
const orderSchema = {
  type: "object",
  properties: {
    name: { type: "string" },
    parts: {
      type: "array",
      items: {
        type: "object",
        properties: { id: { type: "integer" }, tags: { type: "array", items: { type: "string" } } },
        required: ["id", "tags"],
      },
    },
    more: { type: "object" },
  },
  required: ["name", "parts", "more"],
};

test("white space is what models write: one line, or an even indent, and nothing before commas and colons", async () => {
  const model = await loadSpark();
  const pretty = [2, 4].map((indent) => JSON.stringify(order, null, indent));
  const [two = ""] = pretty;
  const oneLine =
    '{"name": "desk", "parts": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}], "more": {"any": [1, {}]}}';
  const valid = [...pretty, JSON.stringify(order), oneLine, oneLine.replace("{", "{ ").replace(/}$/, " }")];
  const wrong = [/(?<=")(?=:)/, /(?=,)/, /(?<=\{)/, /(?<=\[)/, /(?=\})/, /(?<=,)/].flatMap((place) =>
    ["\t", "\n\n", "\n ", "\n\t", "  ", "\r\n", `\n${" ".repeat(34)}`].map((space) =>
      JSON.stringify(order).replace(place, space),
    ),
  );
  const before = ["\n", " ", "\n  "].flatMap((space) => [
    two.replace(",", `${space},`),
    two.replace('":', `"${space}:`),
  ]);
  for (const schema of [
    { type: "object" },
    orderSchema,
    { ...orderSchema, additionalProperties: { type: "number" } },
  ]) {
    const grammar = await model.compileGrammar(schemaGrammar(schema));
    for (const text of valid) assert.equal(grammar.match(text), "whole", text);
    for (const text of [...wrong, ...before]) {
      JSON.parse(text);
      assert.equal(grammar.match(text), "none", JSON.stringify(text));
    }
    assert.notEqual(grammar.match("{\n"), "none");
  }
});

test("without strict, what cannot be enforced is left out", async () => {
  const schema = {
    type: "object",
    properties: {
      a: { type: "array", uniqueItems: true, items: { type: "integer", multipleOf: 1e-9 } },
      b: { type: "string", pattern: "(?=a)" },
      c: { oneOf: [{ type: "integer" }, { type: "number" }] },
      d: { not: { type: "null" }, type: "boolean" },
    },
    required: ["a", "b", "c", "d"],
  };
  const grammar = await model.compileGrammar(schemaGrammar(schema, false));
  assert.equal(grammar.match('{"a": [1, 1], "b": "x", "c": 1.5, "d": true}'), "whole");
  assert.equal(grammar.match('{"a": ["x"], "b": "x", "c": 1.5, "d": true}'), "none");
});

test("schemas of hostile sizes end in an error, and in time", () => {
  const nested = (depth: number, wrap: (inner: unknown) => unknown) => {
    let schema: unknown = { type: "integer" };
    for (let i = 0; i < depth; i++) schema = wrap(schema);
    return schema;
  };
  const many = Array.from({ length: 400 }, (_, i) => ({
    type: "object",
    properties: { [`p${i}`]: { type: "string" } },
  }));
  const half = many.slice(0, 100);
  const loops = { $defs: { a: { allOf: [{ $ref: "#/$defs/a" }, { type: "object" }] } }, $ref: "#/$defs/a" };
  const doubling = {
    ...Object.fromEntries([["$ref", "#/$defs/d0"]]),
    $defs: Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `d${i}`,
        { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]).concat([["d40", { type: "object" }]] as never),
    ),
  };
  const started = performance.now();
  for (const schema of [
    nested(150, (items) => ({ type: "array", items })),
    nested(100_000, (items) => ({ type: "array", items })),
    nested(150, (inner) => ({ allOf: [inner, { title: "x" }] })),
    { allOf: [{ anyOf: many }, { anyOf: many }] },
    { oneOf: [{ anyOf: half }, { anyOf: half }, { anyOf: half }] },
    { type: "object", properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, {}])) },
    { type: "number", exclusiveMinimum: 1e300 },
    { type: "number", maximum: -1e300 },
    { type: "integer", minimum: 1e300 },
    { type: "integer", multipleOf: 3, minimum: 1e300 },
    { type: "string", pattern: "(".repeat(1000) + ")".repeat(1000) },
    { type: "string", pattern: "(a{1000}){1000}", maxLength: 100_000, minLength: 5 },
    loops,
    doubling,
  ]) {
    assert.throws(
      () => schemaGrammar(schema),
      (error: unknown) => error instanceof HearthError && error.kind.status === 400,
    );
  }
  assert.ok(performance.now() - started < 10_000);
});
