/**
 * A JSON Schema as a grammar of the texts whose values match it. Sound, not complete: whatever the grammar allows is valid,
 * but not every valid text is allowed. Properties come in the order in which the schema names them; properties that it does
 * not name come only where it asks for them with `additionalProperties`, or names none; white space is what models write.
 */
import { excerpt, quoted } from "../../base/excerpt.js";
import { allowedTypes, flattenFor } from "./alternatives.js";
import { formatPatterns } from "./formats.js";
import { choice, type GrammarWriter } from "./gbnf.js";
import { differentItems, listOf, tooMany } from "./lists.js";
import { inAnyOrder, inOrder, type Member, mayComeInAnyOrder, otherKeyOrAny } from "./members.js";
import { type Flat, list, typesOf, valuesOf } from "./merge.js";
import { multiplesWithin } from "./multiples.js";
import { jsonNotation, type Members, type Notation, type Text } from "./notation.js";
import { anyInteger, anyNumber, type Bounds, integerWithin, numberWithin } from "./numbers.js";
import { lengthOf, type Pattern, parsePattern } from "./pattern.js";
import {
  enforced,
  isEqual,
  isSchema,
  keywordTypes,
  pointerTo,
  refuse,
  resolveReference,
  type Schema,
  SchemaDocument,
  type Type,
  typeOf,
  types,
  unenforceable,
} from "./schema.js";
import type { Length } from "./strings.js";

export interface SchemaOptions {
  /** Refuse what cannot be enforced; else leave it out. */
  readonly strict: boolean;
  /** Small objects may have their properties in any order: models do not always follow a tool's. */
  readonly anyOrder?: boolean;
  /** Properties of the top of which at least one has to come. */
  readonly leastOne?: readonly string[];
  /** By default JSON. */
  readonly notation?: Notation;
}

const maxSchemas = 5000;
const maxDepth = 100;
const unlimited = Number.POSITIVE_INFINITY;

/** How the members of a call's arguments are written, and their values. */
export interface ArgumentsForm {
  readonly members: Members;
  /** By default as any other value. `key`: null for one that the schema does not name. */
  value?(key: string | null, schema: unknown, path: string): string | null;
}

/** Compiles parts of one schema document into rules of one grammar. */
export class SchemaCompiler {
  readonly #writer: GrammarWriter;
  readonly #notation: Notation;
  readonly #document: SchemaDocument;
  readonly #strict: boolean;
  readonly #anyOrder: boolean;
  readonly #leastOne: readonly string[];
  readonly #references = new Map<string, string>(); // to names of rules
  #schemas = 0;
  #depth = 0;

  constructor(writer: GrammarWriter, root: unknown, options: SchemaOptions) {
    this.#writer = writer;
    this.#notation = options.notation ?? jsonNotation(writer);
    this.#document = new SchemaDocument(root, writer.budget);
    this.#strict = options.strict;
    this.#anyOrder = options.anyOrder ?? false;
    this.#leastOne = options.leastOne ?? [];
  }

  /** The expression of a value that matches. Throws where none can. */
  value(schema: unknown, path: string): string {
    return this.valueOrNull(schema, path) ?? refuse(path, "no value can match");
  }

  /** The members of the objects that match, without brackets. Throws where there is none. */
  members(schema: unknown, form: ArgumentsForm): string {
    const alternatives = this.#flatten(schema, "").flatMap((flat): Flat[] => {
      const values = valuesOf(flat, "");
      return values ? values.filter(isSchema).map(exactly) : typesOf(flat, "").includes("object") ? [flat] : [];
    });
    const members = alternatives.map((flat) => this.#members(flat, "", form));
    return choiceOrNull(members) ?? refuse("", "no object can match");
  }

  /** null where no value can match. */
  valueOrNull(schema: unknown, path: string): string | null {
    if (++this.#schemas > maxSchemas) refuse(path, `it has more than ${maxSchemas} parts`);
    if (++this.#depth > maxDepth) refuse(path, `it nests more than ${maxDepth} levels deep`);
    try {
      return this.#compile(schema, path);
    } finally {
      this.#depth--;
    }
  }

  #compile(schema: unknown, path: string): string | null {
    if (isSchema(schema)) {
      const says = Object.keys(schema).filter((key) => enforced.has(key) || unenforceable.has(key));
      // A reference or a choice alone needs no merging, and so may be recursive.
      if (says.length === 1 && says[0] === "$ref") return this.#reference(schema.$ref, path);
      if (says.length === 1 && says[0] === "anyOf") {
        const parts = list(schema, "anyOf", path).map((part, i) => this.valueOrNull(part, pointerTo(path, "anyOf", i)));
        return choiceOrNull(parts);
      }
    }
    return choiceOrNull(this.#flatten(schema, path).map((flat) => this.#flat(flat, path)));
  }

  #flatten(schema: unknown, path: string): Flat[] {
    return flattenFor(this.#document, schema, path, { strict: this.#strict });
  }

  #reference(reference: unknown, path: string): string {
    const key = String(reference);
    const known = this.#references.get(key);
    if (known !== undefined) return known;
    const target = resolveReference(this.#document.root, reference, path);
    const name = this.#writer.reserve(key.split("/").at(-1) ?? "");
    this.#references.set(key, name);
    this.#writer.define(name, this.value(target, key.slice(1)));
    return name;
  }

  /** Throws, or does nothing where the schema is not strict. */
  #cannot(path: string, what: string): void {
    if (this.#strict) refuse(path, `${what} cannot be enforced`);
  }

  #flat(flat: Flat, path: string): string | null {
    for (const keyword of Object.keys(flat)) {
      if (unenforceable.has(keyword)) this.#cannot(path, keyword);
    }
    if (valuesOf(flat, path)) return this.#listed(flat, path);
    const allowed = allowedTypes(flat, path);
    if (!allowed) return this.#anyValue();
    return choiceOrNull(allowed.map((type) => this.#typed(type, flat, path)));
  }

  #listed(flat: Flat, path: string): string | null {
    return choiceOrNull(this.#matchingValues(flat, path).map((value) => this.#notation.literal(value)));
  }

  /** The listed values that the other keywords allow. */
  #matchingValues(flat: Flat, path: string): readonly unknown[] {
    const named = typesOf(flat, path);
    return (valuesOf(flat, path) ?? []).filter((value) => {
      const type = typeOf(value);
      return (
        (named.includes(type) || (type === "integer" && named.includes("number"))) && this.#admits(value, flat, path)
      );
    });
  }

  #admits(value: unknown, flat: Flat, path: string): boolean {
    const type = typeOf(value);
    for (const [keyword, of] of Object.entries(keywordTypes)) {
      if (flat[keyword] === undefined || (of !== type && !(of === "number" && type === "integer"))) continue;
      if (typeof value === "number" && keyword !== "multipleOf") {
        const { minimum, maximum, minimumExcluded, maximumExcluded } = this.#numberBounds(flat, path);
        if (value < minimum || value > maximum) return false;
        if ((minimumExcluded && value === minimum) || (maximumExcluded && value === maximum)) return false;
      } else if (typeof value === "string" && /Length$/.test(keyword)) {
        const length = [...value].length;
        if (
          length < this.#count(flat, "minLength", 0, path) ||
          length > this.#count(flat, "maxLength", unlimited, path)
        )
          return false;
      } else {
        this.#cannot(path, `${keyword} beside enum or const`);
      }
    }
    return true;
  }

  #typed(type: Type, flat: Flat, path: string): string | null {
    switch (type) {
      case "null":
        return this.#notation.null;
      case "boolean":
        return choice([this.#notation.true, this.#notation.false]);
      case "integer":
      case "number":
        return this.#number(type, flat, path);
      case "string":
        return this.#string(flat, path);
      case "array":
        return this.#array(flat, path);
      case "object":
        return this.#object(flat, path);
    }
  }

  #anyValue(): string {
    const known = this.#references.get("any value");
    if (known !== undefined) return known;
    const name = this.#writer.reserve("value");
    this.#references.set("any value", name);
    const all = types.filter((type) => type !== "integer").map((type) => this.#typed(type, {}, ""));
    this.#writer.define(name, choiceOrNull(all) ?? "[]");
    return name;
  }

  #number(type: "integer" | "number", flat: Flat, path: string): string | null {
    const limits = this.#numberBounds(flat, path);
    const multiples = this.#multiples(type, flat, limits, path);
    if (multiples !== undefined) return multiples;
    if (limits.minimum === -unlimited && limits.maximum === unlimited) {
      return this.#writer.rule(type, type === "integer" ? anyInteger : anyNumber);
    }
    const body = type === "integer" ? integerWithin(limits) : numberWithin(limits);
    return body === null ? null : this.#writer.rule(type, body);
  }

  /** undefined where that is not asked for, or cannot be enforced. */
  #multiples(type: "integer" | "number", flat: Flat, limits: Bounds, path: string): string | null | undefined {
    const { multipleOf } = flat;
    if (multipleOf === undefined) return undefined;
    if (typeof multipleOf !== "number") return refuse(path, "multipleOf has to be a number");
    const multiples = multiplesWithin(this.#writer, multipleOf, type, limits);
    if (multiples === undefined) this.#cannot(path, `multipleOf ${multipleOf}`);
    return multiples;
  }

  #numberBounds(flat: Flat, path: string) {
    const read = (keyword: string, otherwise: number): number => {
      const value = flat[keyword];
      if (value === undefined || typeof value === "boolean") return otherwise; // boolean: a modifier in draft 4
      return typeof value === "number" ? value : refuse(path, `${keyword} has to be a number`);
    };
    const least = read("minimum", -unlimited);
    const most = read("maximum", unlimited);
    const above = flat.exclusiveMinimum === true ? least : read("exclusiveMinimum", -unlimited);
    const below = flat.exclusiveMaximum === true ? most : read("exclusiveMaximum", unlimited);
    return {
      minimum: Math.max(least, above),
      maximum: Math.min(most, below),
      minimumExcluded: above >= least && above > -unlimited,
      maximumExcluded: below <= most && below < unlimited,
    };
  }

  /** A keyword's natural number. */
  #count(flat: Flat, keyword: string, otherwise: number, path: string): number {
    const value = flat[keyword];
    if (value === undefined) return otherwise;
    const isCount = typeof value === "number" && Number.isInteger(value) && value >= 0;
    if (!isCount) return refuse(path, `${keyword} has to be a natural number`);
    const maxCount = 1_000_000; // of the engine
    if (value <= maxCount) return value;
    return keyword.startsWith("max") ? unlimited : refuse(path, `${keyword} is more than ${maxCount}`);
  }

  #string(flat: Flat, path: string): string | null {
    return this.#text(flat, path, (text) => this.#notation.string(text));
  }

  /** `write`: null where it cannot be written. */
  #text(flat: Flat, path: string, write: (text: Text) => string | null): string | null {
    const least = this.#count(flat, "minLength", 0, path);
    const most = this.#count(flat, "maxLength", unlimited, path);
    if (least > most) return null;
    const pattern = this.#pattern(flat, path);
    if (!pattern) return write({ least, most, pattern: null });
    const length = lengthOf(pattern);
    if (length.most < least || length.least > most) return null;
    const written = write({ least, most, pattern });
    if (written !== null) return written;
    this.#cannot(path, "this pattern together with minLength or maxLength");
    return write({ least: 0, most: unlimited, pattern }) ?? write({ least, most, pattern: null });
  }

  #pattern(flat: Flat, path: string): Pattern | null {
    const format =
      typeof flat.format === "string" && Object.hasOwn(formatPatterns, flat.format)
        ? formatPatterns[flat.format]
        : undefined;
    if (flat.pattern !== undefined && format !== undefined) this.#cannot(path, "pattern and format together");
    const source = flat.pattern ?? format;
    if (source === undefined) return null;
    if (typeof source !== "string") return refuse(path, "pattern has to be a string");
    return this.#parsePattern(source, path);
  }

  #parsePattern(source: string, path: string): Pattern | null {
    try {
      return parsePattern(source, (what) =>
        refuse(path, `the pattern ${quoted(source)} has ${excerpt(what)}, which cannot be enforced`),
      );
    } catch (error) {
      if (this.#strict) throw error;
      return null;
    }
  }

  #array(flat: Flat, path: string): string | null {
    const tuple = flat.prefixItems ?? (Array.isArray(flat.items) ? flat.items : undefined);
    const prefix = tuple === undefined ? [] : list({ prefixItems: tuple }, "prefixItems", path);
    const restSchema = Array.isArray(flat.items) ? flat.additionalItems : flat.items;
    const length = {
      least: this.#count(flat, "minItems", 0, path),
      most: this.#count(flat, "maxItems", unlimited, path),
    };
    const { space } = this.#notation;
    const inBrackets = (items: string | null) =>
      items === null ? null : this.#writer.rule("array", `"[" ${space} ${items} "]"`);
    if (flat.uniqueItems === true && length.most > 1) {
      const different = prefix.length > 0 ? tooMany : this.#differentItems(restSchema ?? true, length, path);
      if (different !== tooMany) return inBrackets(different);
      this.#cannot(path, "uniqueItems of items that are no enum of moderate length");
    }
    const rest =
      restSchema === undefined && prefix.length > 0
        ? null
        : this.valueOrNull(restSchema ?? true, pointerTo(path, "items"));
    const first = prefix.map((schema, i) => this.valueOrNull(schema, pointerTo(path, "prefixItems", i)));
    return inBrackets(listOf(this.#notation, first, rest, length));
  }

  /** `tooMany` where the values of the items are not few. */
  #differentItems(schema: unknown, length: Length, path: string): string | null | typeof tooMany {
    const at = pointerTo(path, "items");
    const flats = this.#flatten(schema, at);
    if (!flats.every((flat) => valuesOf(flat, at))) return tooMany;
    const items = flats.flatMap((flat) => this.#matchingValues(flat, at));
    const different = items.filter((value, i) => !items.slice(0, i).some((earlier) => isEqual(earlier, value)));
    const written = different.map((value) => this.#notation.literal(value)).filter((value) => value !== null);
    return differentItems(this.#writer, this.#notation, written, length);
  }

  #object(flat: Flat, path: string): string | null {
    const members = this.#members(flat, path, { members: this.#notation });
    return members === null ? null : this.#writer.rule("object", `"{" ${this.#notation.space} ${members} "}"`);
  }

  #members(flat: Flat, path: string, form: ArgumentsForm): string | null {
    const declared = this.#properties(flat, path, form);
    if (declared === null) return null;
    const least = this.#count(flat, "minProperties", 0, path);
    const most = this.#count(flat, "maxProperties", unlimited, path);
    const required = declared.filter((property) => property.required).length;
    const additional = this.#additional(flat, declared, path, form);
    const { members: spacing } = form;
    if (declared.length === 0) {
      // A key may come twice and count once.
      if (least > 1) this.#cannot(path, "minProperties above 1");
      return listOf(spacing, [], additional, { least: Math.min(least, 1), most });
    }
    if (least > required) this.#cannot(path, "minProperties beside properties");
    if (most < declared.length || (additional !== null && most < unlimited))
      this.#cannot(path, "maxProperties beside properties");
    const leastOne = path === "" ? this.#leastOne : [];
    if (this.#anyOrder && additional === null && mayComeInAnyOrder(declared)) {
      return inAnyOrder(this.#writer, spacing, declared, leastOne);
    }
    return inOrder(this.#writer, spacing, declared, additional, leastOne);
  }

  #valueOf(key: string | null, schema: unknown, path: string, form: ArgumentsForm): string | null {
    return form.value ? form.value(key, schema, path) : this.valueOrNull(schema, path);
  }

  /** The properties that may come, in the schema's order; null when a required one can have no value. */
  #properties(flat: Flat, path: string, form: ArgumentsForm): Member[] | null {
    const { properties = {}, required = [] } = flat;
    if (!isSchema(properties)) return refuse(path, "properties has to be an object");
    if (!Array.isArray(required)) return refuse(path, "required has to be a list");
    const names = [...new Set([...Object.keys(properties), ...required.map(String)])];
    const result: Member[] = [];
    for (const key of names) {
      const schema = Object.hasOwn(properties, key) ? properties[key] : (flat.additionalProperties ?? true);
      const written = form.members.key(key);
      const value = written === null ? null : this.#valueOf(key, schema, pointerTo(path, "properties", key), form);
      const isRequired = required.includes(key);
      if (written !== null && value !== null) {
        const expression = this.#writer.rule(key, form.members.member(written, value));
        result.push({ expression, key, required: isRequired });
      } else if (isRequired) return null;
    }
    return result;
  }

  /** A member that the schema does not name; null where none may come. */
  #additional(flat: Flat, declared: readonly Member[], path: string, form: ArgumentsForm): string | null {
    const { members } = form;
    const { additionalProperties, patternProperties, propertyNames } = flat;
    let schema = additionalProperties ?? (declared.length === 0 && flat.properties === undefined);
    let key = otherKeyOrAny(this.#writer, members, declared);
    if (patternProperties !== undefined && isSchema(patternProperties)) {
      const patterns = Object.keys(patternProperties);
      const [only = ""] = patterns;
      if (patterns.length === 1 && additionalProperties === false && declared.length === 0) {
        schema = patternProperties[only] ?? true;
        key = this.#text({ pattern: only }, path, (text) => members.keyOf(text));
      } else if (patterns.length > 0) this.#cannot(path, "patternProperties beside other properties");
    }
    if (propertyNames !== undefined && propertyNames !== true && schema !== false) {
      if (declared.length > 0 || patternProperties !== undefined) this.#cannot(path, "propertyNames beside properties");
      else key = this.#keyNamed(propertyNames, members, pointerTo(path, "propertyNames"));
    }
    const at = pointerTo(path, "additionalProperties");
    const value = schema === false || key === null ? null : this.#valueOf(null, schema, at, form);
    return value === null || key === null ? null : this.#writer.rule("member", members.member(key, value));
  }

  /** A key that matches the schema. */
  #keyNamed(schema: unknown, members: Members, path: string): string | null {
    const keys = this.#flatten({ allOf: [{ type: "string" }, schema] }, path).flatMap((flat) => {
      if (valuesOf(flat, path)) return this.#matchingValues(flat, path).map((name) => members.key(String(name)));
      return [this.#text(flat, path, (text) => members.keyOf(text))];
    });
    return choiceOrNull(keys);
  }
}

/** An object that is this one. */
function exactly(value: Schema): Flat {
  const properties = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, { const: item }]));
  return { type: "object", properties, required: Object.keys(value), additionalProperties: false };
}

function choiceOrNull(expressions: readonly (string | null)[]): string | null {
  const possible = expressions.filter((expression) => expression !== null);
  return possible.length > 0 ? choice(possible) : null;
}
