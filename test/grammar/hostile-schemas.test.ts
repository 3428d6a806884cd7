import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { Random } from "../helpers/random.js";
import { RandomSchemas } from "./random-schema.js";
import { loadSpark, schemaGrammar } from "./spark.js";

const cases = 2000;
const keywords = [
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "enum",
  "const",
  "type",
  "items",
  "minLength",
  "pattern",
  "properties",
  "maximum",
  "multipleOf",
  "uniqueItems",
  "additionalProperties",
] as const;
const values = [
  null,
  -1,
  1e300,
  "",
  "#",
  "#/$defs/tree",
  "(",
  "[]",
  [],
  {},
  [{}],
  true,
  ["object", "null"],
  "__proto__",
] as const;

/** The schema with some keywords given values that make no sense. */
function damaged(schema: unknown, random: Random): unknown {
  if (Array.isArray(schema)) return schema.map((item) => damaged(item, random));
  if (typeof schema !== "object" || schema === null)
    return random.below(40) === 0 ? random.pick<unknown>(values) : schema;
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => [key, damaged(value, random)]);
  if (random.below(12) === 0) entries.push([random.pick(keywords), random.pick<unknown>(values)]);
  return Object.fromEntries(entries);
}

test(`${cases} damaged schemas: each is a grammar or an error that the client can act on`, async (t) => {
  const model = await loadSpark();
  const random = new Random(20261125);
  const schemas = new RandomSchemas(random);
  let compiled = 0;
  for (let n = 0; n < cases; n++) {
    const schema = damaged(schemas.document(), random);
    try {
      await model.compileGrammar(schemaGrammar(schema, random.below(2) === 0));
      compiled++;
    } catch (error) {
      assert.ok(error instanceof HearthError && error.kind.status === 400, `${JSON.stringify(schema)}: ${error}`);
      assert.ok(error.message.length < 2000, error.message);
    }
  }
  t.diagnostic(`${compiled} compiled`);
  assert.ok(compiled > 0 && compiled < cases);
});
