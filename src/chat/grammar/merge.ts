/**
 * Schemas without combiners: references followed, allOf merged into one, anyOf and oneOf as a list of alternatives. Only the
 * top level; what stands below is combined when it is its turn.
 */
import { quoted } from "../../base/excerpt.js";
import {
  combiners,
  isEqual,
  isSchema,
  pointerTo,
  refuse,
  resolveReference,
  type Schema,
  type SchemaDocument,
  type Type,
  typeOf,
  types,
} from "./schema.js";

/** A schema with no $ref, allOf, anyOf and oneOf at its top. */
export type Flat = Schema;

const maxDepth = 64;
const maxAlternatives = 256;

/** The alternatives of a schema; none where nothing can match. */
export function flatten(document: SchemaDocument, schema: unknown, path: string, depth = 0): Flat[] {
  document.work(path);
  if (schema === true) return [{}];
  if (schema === false) return [];
  if (!isSchema(schema)) return refuse(path, "a schema has to be an object or a boolean");
  if (depth > maxDepth) return refuse(path, "it combines too many schemas, or one with itself");
  const own = Object.fromEntries(
    Object.entries(schema).filter(([key]) => !(combiners as readonly string[]).includes(key)),
  );
  let result: Flat[] = [own];
  const combine = (alternatives: readonly Flat[]) => {
    result = result.flatMap((a) => alternatives.flatMap((b) => merge(document, a, b, path)));
    if (result.length > maxAlternatives) refuse(path, `it has more than ${maxAlternatives} alternatives`);
  };
  if (schema.$ref !== undefined)
    combine(flatten(document, resolveReference(document.root, schema.$ref, path), path, depth + 1));
  for (const [i, part] of list(schema, "allOf", path).entries()) {
    combine(flatten(document, part, pointerTo(path, "allOf", i), depth + 1));
  }
  for (const keyword of ["anyOf", "oneOf"] as const) {
    if (schema[keyword] === undefined) continue;
    const parts = list(schema, keyword, path).map((part, i) =>
      flatten(document, part, pointerTo(path, keyword, i), depth + 1),
    );
    if (keyword === "oneOf") checkDisjoint(document, parts, path);
    combine(parts.flat());
  }
  return result;
}

/** The members of a combiner; none where it is missing. */
export function list(schema: Schema, keyword: string, path: string): readonly unknown[] {
  const value = schema[keyword];
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length > 0) return value;
  return refuse(path, `${keyword} has to be a list of schemas`);
}

/** The types that a flat schema allows; all where it says nothing. */
export function typesOf(schema: Flat, path: string): readonly Type[] {
  if (schema.type === undefined) return types;
  const named: unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  const wrong = named.find((type) => !types.includes(type as Type));
  if (wrong !== undefined || named.length === 0) refuse(path, `${quoted(wrong ?? [])} is no type`);
  return named as Type[];
}

/** The values that a flat schema lists, or null. */
export function valuesOf(schema: Flat, path: string): readonly unknown[] | null {
  const { enum: listed } = schema;
  if (listed !== undefined && !Array.isArray(listed)) refuse(path, "enum has to be a list");
  if (schema.const === undefined) return listed === undefined ? null : (listed as unknown[]);
  if (listed === undefined) return [schema.const];
  return (listed as unknown[]).filter((value) => isEqual(value, schema.const));
}

/** Both at once: one schema, or none where they exclude each other. */
function merge(document: SchemaDocument, a: Flat, b: Flat, path: string): Flat[] {
  document.work(path);
  const merged: Record<string, unknown> = { ...a, ...b };
  for (const keyword of Object.keys(a)) {
    if (b[keyword] === undefined || isEqual(a[keyword], b[keyword])) continue;
    const value = mergeKeyword(keyword, a, b, path);
    if (value === nothing) return [];
    merged[keyword] = value;
  }
  if (a.properties !== undefined || b.properties !== undefined) Object.assign(merged, mergeProperties(a, b));
  const values = [a, b].map((schema) => valuesOf(schema, path)).filter((listed) => listed !== null);
  if (values.length === 2) {
    delete merged.const;
    merged.enum = values[0]?.filter((value) => values[1]?.some((other) => isEqual(value, other)));
  }
  return [merged];
}

const nothing = Symbol("no value matches");

const larger = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const smaller = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const settledElsewhere = ["properties", "additionalProperties", "enum", "const"];

function mergeKeyword(keyword: string, a: Flat, b: Flat, path: string): unknown {
  const [left, right] = [a[keyword], b[keyword]];
  if (larger.includes(keyword)) return Math.max(Number(left), Number(right));
  if (smaller.includes(keyword)) return Math.min(Number(left), Number(right));
  if (settledElsewhere.includes(keyword)) return right;
  if (keyword === "required" && Array.isArray(left) && Array.isArray(right)) return [...new Set([...left, ...right])];
  if (keyword === "type") {
    const common = commonTypes(typesOf(a, path), typesOf(b, path));
    return common.length > 0 ? common : nothing;
  }
  if (keyword === "uniqueItems") return true;
  if (["items", "propertyNames"].includes(keyword)) return { allOf: [left, right] };
  if (["pattern", "format", "prefixItems", "patternProperties", "multipleOf", "additionalItems"].includes(keyword)) {
    return refuse(path, `two schemas that hold at once both have ${keyword}`);
  }
  return right; // an annotation, or unenforceable, and then refused by name where it is read
}

function commonTypes(a: readonly Type[], b: readonly Type[]): Type[] {
  const allows = (list: readonly Type[], type: Type) =>
    list.includes(type) || (type === "integer" && list.includes("number"));
  const common = types.filter((type) => allows(a, type) && allows(b, type));
  return common.includes("number") ? common.filter((type) => type !== "integer") : common;
}

/** A property that only one of the two names is what the other one says of additional properties. */
function mergeProperties(a: Flat, b: Flat): Schema {
  const [left, right] = [a, b].map(({ properties }) => (isSchema(properties) ? properties : {})) as [Schema, Schema];
  const both = (x: unknown, y: unknown) => (x === undefined ? y : y === undefined ? x : { allOf: [x, y] });
  const of = (schema: Schema, flat: Flat, key: string) =>
    Object.hasOwn(schema, key) ? schema[key] : flat.additionalProperties;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const properties = Object.fromEntries(keys.map((key) => [key, both(of(left, a, key), of(right, b, key)) ?? true]));
  const additionalProperties = both(a.additionalProperties, b.additionalProperties);
  return { properties, ...(additionalProperties === undefined ? {} : { additionalProperties }) };
}

/** oneOf is anyOf where no value can match two. Throws where that cannot be seen. */
function checkDisjoint(document: SchemaDocument, parts: readonly (readonly Flat[])[], path: string): void {
  parts.forEach((left, i) => {
    parts.slice(i + 1).forEach((right, j) => {
      const sees = left.every((a) => right.every((b) => areDisjoint(document, a, b, path)));
      if (!sees) refuse(path, `the alternatives ${i} and ${i + 1 + j} of oneOf may overlap; anyOf would do`);
    });
  });
}

function areDisjoint(document: SchemaDocument, a: Flat, b: Flat, path: string, depth = 0): boolean {
  document.work(path);
  const [left, right] = [valuesOf(a, path), valuesOf(b, path)];
  const possibleTypes = (schema: Flat, values: readonly unknown[] | null) =>
    values ? values.map(typeOf) : typesOf(schema, path);
  if (commonTypes(possibleTypes(a, left), possibleTypes(b, right)).length === 0) return true;
  if (left && right) return !left.some((value) => right.some((other) => isEqual(value, other)));
  const bothObjects = [a, b].every((schema) => isEqual(typesOf(schema, path), ["object"]));
  return bothObjects && depth < 4 && differInProperty(document, a, b, path, depth);
}

/** Two kinds of objects differ in a property that both require, as a discriminator. */
function differInProperty(document: SchemaDocument, a: Flat, b: Flat, path: string, depth: number): boolean {
  const required = (schema: Flat) => (Array.isArray(schema.required) ? schema.required : []);
  const property = (schema: Flat, key: string) => (isSchema(schema.properties) ? schema.properties[key] : undefined);
  return required(a).some((key: string) => {
    if (!required(b).includes(key)) return false;
    const [left, right] = [property(a, key), property(b, key)];
    if (left === undefined || right === undefined) return false;
    const [leftFlats, rightFlats] = [left, right].map((schema) => flatten(document, schema, path, depth + 1)) as [
      Flat[],
      Flat[],
    ];
    return leftFlats.every((x) => rightFlats.every((y) => areDisjoint(document, x, y, path, depth + 1)));
  });
}
