/** JSON Schemas as this folder sees them: which keywords there are, where references lead, and what a value is. */

import { HearthError } from "../../base/errors.js";
import { excerpt, quoted } from "../../base/excerpt.js";
import { WorkBudget } from "./gbnf.js";

export type Schema = Readonly<Record<string, unknown>>;

export const types = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type Type = (typeof types)[number];

/** Keywords that constrain and that no automaton of reasonable size can enforce. */
export const unenforceable: ReadonlySet<string> = new Set([
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "contains",
  "minContains",
  "maxContains",
  "unevaluatedProperties",
  "unevaluatedItems",
  "$dynamicRef",
  "$recursiveRef",
]);

/** Which types the keywords are for; a schema that has them without a type is taken to mean it. */
export const keywordTypes: Readonly<Record<string, Type>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  patternProperties: "object",
  propertyNames: "object",
  minProperties: "object",
  maxProperties: "object",
  items: "array",
  prefixItems: "array",
  additionalItems: "array",
  minItems: "array",
  maxItems: "array",
  uniqueItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "number",
};

/** Keywords that combine schemas. */
export const combiners = ["$ref", "allOf", "anyOf", "oneOf"] as const;

/** Everything else is an annotation. */
export const enforced: ReadonlySet<string> = new Set([
  ...Object.keys(keywordTypes),
  ...combiners,
  "type",
  "enum",
  "const",
]);

/** The cost of combining two schemas, in characters of a grammar. */
const workOfStep = 50;

/** A whole document, with a bound on the work that combining its schemas may be. */
export class SchemaDocument {
  readonly root: unknown;
  readonly #budget: WorkBudget;
  #workLeft = 100_000;

  constructor(root: unknown, budget = new WorkBudget()) {
    this.root = root;
    this.#budget = budget;
  }

  work(path: string): void {
    this.#budget.spend(workOfStep);
    if (--this.#workLeft < 0) refuse(path, "it combines too many schemas");
  }
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `path` is a JSON pointer. */
export function refuse(path: string, what: string): never {
  const message = `The JSON schema at ${path === "" ? "its top" : excerpt(path)}: ${what}.`;
  throw new HearthError("SCHEMA_UNSUPPORTED", message, { param: "schema" });
}

/** The schema that a reference names: `#`, or a JSON pointer within the document. */
export function resolveReference(root: unknown, reference: unknown, path: string): unknown {
  if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) {
    return refuse(path, `the reference ${quoted(reference)} does not stay within the schema`);
  }
  let value = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const key = pointerPart(part);
    const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    value = isThere
      ? (value as Record<string, unknown>)[key]
      : refuse(path, `there is nothing at ${quoted(reference)}`);
  }
  return value;
}

function pointerPart(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}

export function pointerTo(path: string, ...parts: readonly (string | number)[]): string {
  return parts.reduce<string>((at, part) => `${at}/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`, path);
}

export function typeOf(value: unknown): Type {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as Type;
}

/** JSON values that are the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => isEqual(value, b[i]));
  if (!isSchema(a) || !isSchema(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}
