/**
 * Checks the arguments of calls that no grammar has held to their tool's schema. As in the grammar, keywords that cannot
 * be enforced, patterns among them, and schemas that make no sense, constrain nothing.
 */
import { isEqual, isSchema, resolveReference, type Schema, typeOf } from "../grammar/schema.js";
import type { Tool } from "../messages.js";
import type { AnswerEvent } from "./events.js";

/** Schemas that are compared with a value: those that combine many others could keep everybody waiting. */
const maxChecks = 20_000;
const maxDepth = 64;

/** `schema`: the tool's parameters; without them any object will do. False as well where the work is too much. */
export function holdsSchema(value: unknown, schema: unknown): boolean {
  try {
    return schema === undefined || new SchemaCheck(schema).holds(value, schema, 0);
  } catch (error) {
    if (error instanceof TooMuchWork) return false;
    throw error;
  }
}

/** Whether these events are whole calls of declared tools whose arguments hold. */
export function holdCalls(events: readonly AnswerEvent[], tools: readonly Tool[]): boolean {
  let tool: Tool | undefined;
  let json = "";
  return events.every((event) => {
    if (event.type === "call") {
      tool = tools.find(({ name }) => name === event.name);
      json = "";
    } else if (event.type === "arguments") {
      json += event.text;
    } else if (event.type === "callEnd") {
      return tool !== undefined && event.complete && holdsSchema(JSON.parse(json), tool.parameters);
    }
    return true;
  });
}

class TooMuchWork extends Error {}

class SchemaCheck {
  readonly #root: unknown;
  #left = maxChecks;

  constructor(root: unknown) {
    this.#root = root;
  }

  holds(value: unknown, schema: unknown, depth: number): boolean {
    if (schema === false) return false;
    if (!isSchema(schema)) return true;
    if (--this.#left < 0 || depth > maxDepth) throw new TooMuchWork();
    return (
      hasType(value, schema.type) &&
      isListed(value, schema) &&
      this.#combined(value, schema, depth + 1) &&
      (typeof value !== "number" || isWithin(value, schema)) &&
      (typeof value !== "string" || hasLength([...value].length, schema.minLength, schema.maxLength)) &&
      (!Array.isArray(value) || this.#items(value, schema, depth + 1)) &&
      (!isSchema(value) || this.#properties(value, schema, depth + 1))
    );
  }

  #combined(value: unknown, { $ref, allOf, anyOf, oneOf }: Schema, depth: number): boolean {
    const each = (schema: unknown) => this.holds(value, schema, depth);
    return (
      ($ref === undefined || each(this.#target($ref))) &&
      (!Array.isArray(allOf) || allOf.every(each)) &&
      (!Array.isArray(anyOf) || anyOf.some(each)) &&
      // Alternatives that overlap are meant as a choice.
      (!Array.isArray(oneOf) || oneOf.some(each))
    );
  }

  #target(reference: unknown): unknown {
    try {
      return resolveReference(this.#root, reference, "");
    } catch {
      return true;
    }
  }

  #items(value: readonly unknown[], schema: Schema, depth: number): boolean {
    const { prefixItems, items, minItems, maxItems, uniqueItems } = schema;
    const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    const others = Array.isArray(items) ? schema.additionalItems : items;
    return (
      hasLength(value.length, minItems, maxItems) &&
      value.every((item, i) => this.holds(item, i < first.length ? first[i] : others, depth)) &&
      (uniqueItems !== true || value.every((item, i) => !this.#isAmong(item, value.slice(0, i))))
    );
  }

  #isAmong(item: unknown, others: readonly unknown[]): boolean {
    this.#left -= others.length;
    if (this.#left < 0) throw new TooMuchWork();
    return others.some((other) => isEqual(item, other));
  }

  #properties(value: Schema, schema: Schema, depth: number): boolean {
    const { properties, required, additionalProperties, patternProperties, minProperties, maxProperties } = schema;
    const named: Schema = isSchema(properties) ? properties : {};
    const others = patternProperties === undefined ? additionalProperties : true;
    const keys = Object.keys(value);
    return (
      hasLength(keys.length, minProperties, maxProperties) &&
      (!Array.isArray(required) || required.every((key) => typeof key !== "string" || Object.hasOwn(value, key))) &&
      keys.every((key) => this.holds(value[key], Object.hasOwn(named, key) ? named[key] : others, depth))
    );
  }
}

function hasType(value: unknown, wanted: unknown): boolean {
  const names = (Array.isArray(wanted) ? wanted : [wanted]).filter((name) => typeof name === "string");
  const type = typeOf(value);
  return names.length === 0 || names.includes(type) || (type === "integer" && names.includes("number"));
}

function isListed(value: unknown, schema: Schema): boolean {
  const { enum: listed, const: only } = schema;
  const isInList = !Array.isArray(listed) || listed.some((item) => isEqual(item, value));
  return isInList && (only === undefined || isEqual(only, value));
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

function isWithin(value: number, schema: Schema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const steps = value / numberOr(multipleOf, value || 1);
  return (
    value >= numberOr(minimum, -Infinity) &&
    value <= numberOr(maximum, Infinity) &&
    value > numberOr(exclusiveMinimum, -Infinity) &&
    value < numberOr(exclusiveMaximum, Infinity) &&
    Math.abs(steps - Math.round(steps)) < 1e-9
  );
}

function hasLength(length: number, least: unknown, most: unknown): boolean {
  return length >= numberOr(least, 0) && length <= numberOr(most, Infinity);
}
