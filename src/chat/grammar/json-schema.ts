/**
 * A JSON Schema as a grammar of the texts whose values match it. Sound, not complete: whatever the grammar allows is valid,
 * but not every valid text is allowed. Properties come in the order in which the schema names them; properties that it does
 * not name come only where it asks for them with `additionalProperties`, or names none; white space is what models write.
 */
import { formatPatterns } from "./formats.js";
import { characterClass, choice, type GrammarWriter, jsonLiteral, literal, type Range } from "./gbnf.js";
import { type Flat, flatten, list, typesOf, valuesOf } from "./merge.js";
import { anyInteger, anyNumber, integerWithin, numberWithin } from "./numbers.js";
import { lengthOf, type Pattern, parsePattern } from "./pattern.js";
import {
  enforced,
  isSchema,
  keywordTypes,
  pointerTo,
  refuse,
  resolveReference,
  type Schema,
  SchemaDocument,
  type Type,
  typeOf,
  unenforceable,
} from "./schema.js";
import { anyText, bounds, patternText, patternTextWithin } from "./strings.js";

export interface SchemaOptions {
  /** Refuse what cannot be enforced; else leave it out. */
  readonly strict: boolean;
  /** Small objects may have their properties in any order: models do not always follow a tool's. */
  readonly anyOrder?: boolean;
}

/** Between the parts of objects and lists: on one line, or indented. */
const space = "space";
const spaceRule = '" "? | "\\n" [ \\t]{0,32}';
/** Properties that may come in any order: there is a rule for each set of them. */
const maxFreeOrder = 6;
const maxSchemas = 5000;
const maxDepth = 100;
const unlimited = Number.POSITIVE_INFINITY;

/** Compiles parts of one schema document into rules of one grammar. */
export class SchemaCompiler {
  readonly #writer: GrammarWriter;
  readonly #document: SchemaDocument;
  readonly #strict: boolean;
  readonly #anyOrder: boolean;
  readonly #references = new Map<string, string>(); // to names of rules
  #schemas = 0;
  #depth = 0;

  constructor(writer: GrammarWriter, root: unknown, options: SchemaOptions) {
    this.#writer = writer;
    this.#document = new SchemaDocument(root);
    this.#strict = options.strict;
    this.#anyOrder = options.anyOrder ?? false;
    writer.rule(space, spaceRule);
  }

  /** The expression of a value that matches. Throws where none can. */
  value(schema: unknown, path: string): string {
    return this.#valueOrNull(schema, path) ?? refuse(path, "no value can match");
  }

  #valueOrNull(schema: unknown, path: string): string | null {
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
        const parts = list(schema, "anyOf", path).map((part, i) =>
          this.#valueOrNull(part, pointerTo(path, "anyOf", i)),
        );
        return choiceOrNull(parts);
      }
    }
    return choiceOrNull(this.#flatten(schema, path).map((flat) => this.#flat(flat, path)));
  }

  #flatten(schema: unknown, path: string): Flat[] {
    if (this.#strict || !isSchema(schema) || schema.oneOf === undefined) return flatten(this.#document, schema, path);
    const { oneOf, ...rest } = schema;
    const anyOf =
      rest.anyOf === undefined ? { anyOf: oneOf } : { allOf: [...list(rest, "allOf", path), { anyOf: oneOf }] };
    return flatten(this.#document, { ...rest, ...anyOf }, path);
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
    const values = valuesOf(flat, path);
    if (values) return this.#listed(values, flat, path);
    const allowed = flat.type === undefined ? impliedTypes(flat) : typesOf(flat, path);
    if (!allowed) return this.#anyValue();
    return choiceOrNull(allowed.map((type) => this.#typed(type, flat, path)));
  }

  /** Of the listed values those that the other keywords allow. */
  #listed(values: readonly unknown[], flat: Flat, path: string): string | null {
    const named = typesOf(flat, path);
    const matching = values.filter((value) => {
      const type = typeOf(value);
      return (
        (named.includes(type) || (type === "integer" && named.includes("number"))) && this.#admits(value, flat, path)
      );
    });
    return choiceOrNull(matching.map(jsonLiteral));
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
        return '"null"';
      case "boolean":
        return '("true" | "false")';
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
    const scalars = [this.#string({}, ""), this.#number("number", {}, ""), '"true" | "false" | "null"'];
    this.#writer.define(name, [this.#array({}, ""), this.#object({}, ""), ...scalars].join(" | "));
    return name;
  }

  #number(type: "integer" | "number", flat: Flat, path: string): string | null {
    let isInteger = type === "integer";
    if (flat.multipleOf !== undefined) {
      if (flat.multipleOf === 1) isInteger = true;
      else this.#cannot(path, "multipleOf");
    }
    const limits = this.#numberBounds(flat, path);
    if (limits.minimum === -unlimited && limits.maximum === unlimited) {
      return isInteger ? this.#writer.rule("integer", anyInteger) : this.#writer.rule("number", anyNumber);
    }
    const body = isInteger ? integerWithin(limits) : numberWithin(limits);
    return body === null ? null : this.#writer.rule(type, body);
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
    const text = this.#stringText(flat, path);
    return text === null ? null : this.#writer.rule("string", `"\\"" ${text} "\\""`);
  }

  #stringText(flat: Flat, path: string): string | null {
    const least = this.#count(flat, "minLength", 0, path);
    const most = this.#count(flat, "maxLength", unlimited, path);
    if (least > most) return null;
    const pattern = this.#pattern(flat, path);
    if (!pattern) return anyText(least, most);
    const length = lengthOf(pattern);
    if (length.most < least || length.least > most) return null;
    const within = patternTextWithin(this.#writer, pattern, least, most);
    if (within !== null) return within;
    this.#cannot(path, "this pattern together with minLength or maxLength");
    return patternText(pattern);
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
        refuse(path, `the pattern ${JSON.stringify(source)} has ${what}, which cannot be enforced`),
      );
    } catch (error) {
      if (this.#strict) throw error;
      return null;
    }
  }

  #array(flat: Flat, path: string): string | null {
    if (flat.uniqueItems === true) this.#cannot(path, "uniqueItems");
    const tuple = flat.prefixItems ?? (Array.isArray(flat.items) ? flat.items : undefined);
    const prefix = tuple === undefined ? [] : list({ prefixItems: tuple }, "prefixItems", path);
    const restSchema = Array.isArray(flat.items) ? flat.additionalItems : flat.items;
    const rest =
      restSchema === undefined && prefix.length > 0
        ? null
        : this.#valueOrNull(restSchema ?? true, pointerTo(path, "items"));
    const least = this.#count(flat, "minItems", 0, path);
    const most = this.#count(flat, "maxItems", unlimited, path);
    const first = prefix.map((schema, i) => this.#valueOrNull(schema, pointerTo(path, "prefixItems", i)));
    const items = listOf(first, rest, least, most);
    return items === null ? null : this.#writer.rule("array", `"[" ${space} ${items} "]"`);
  }

  #object(flat: Flat, path: string): string | null {
    const members = this.#members(flat, path);
    return members === null ? null : this.#writer.rule("object", `"{" ${space} ${members} "}"`);
  }

  #members(flat: Flat, path: string): string | null {
    const declared = this.#properties(flat, path);
    if (declared === null) return null;
    const least = this.#count(flat, "minProperties", 0, path);
    const most = this.#count(flat, "maxProperties", unlimited, path);
    const required = declared.filter((property) => property.required).length;
    const additional = this.#additional(flat, declared, path);
    if (declared.length === 0) {
      // A key may come twice and count once.
      if (least > 1) this.#cannot(path, "minProperties above 1");
      return listOf([], additional, Math.min(least, 1), most);
    }
    if (least > required) this.#cannot(path, "minProperties beside properties");
    if (most < declared.length || (additional !== null && most < unlimited))
      this.#cannot(path, "maxProperties beside properties");
    if (this.#anyOrder && additional === null && declared.length <= maxFreeOrder) return this.#inAnyOrder(declared);
    return this.#inOrder(declared, additional);
  }

  /** The properties that may come, in the schema's order; null when a required one can have no value. */
  #properties(flat: Flat, path: string): { member: string; key: string; required: boolean }[] | null {
    const { properties = {}, required = [] } = flat;
    if (!isSchema(properties)) return refuse(path, "properties has to be an object");
    if (!Array.isArray(required)) return refuse(path, "required has to be a list");
    const names = [...new Set([...Object.keys(properties), ...required.map(String)])];
    const result: { member: string; key: string; required: boolean }[] = [];
    for (const key of names) {
      const schema = Object.hasOwn(properties, key) ? properties[key] : (flat.additionalProperties ?? true);
      const value = this.#valueOrNull(schema, pointerTo(path, "properties", key));
      const isRequired = required.includes(key);
      if (value !== null)
        result.push({
          member: this.#writer.rule(key, `${jsonLiteral(key)} ":" " "? ${value} ${space}`),
          key,
          required: isRequired,
        });
      else if (isRequired) return null;
    }
    return result;
  }

  /** A member that the schema does not name; null where none may come. */
  #additional(flat: Flat, declared: readonly { key: string }[], path: string): string | null {
    const { additionalProperties, patternProperties, propertyNames } = flat;
    let schema = additionalProperties ?? (declared.length === 0 && flat.properties === undefined);
    let key = declared.length > 0 ? this.#otherKey(declared.map((property) => property.key)) : this.#string({}, path);
    if (patternProperties !== undefined && isSchema(patternProperties)) {
      const patterns = Object.keys(patternProperties);
      const [only = ""] = patterns;
      if (patterns.length === 1 && additionalProperties === false && declared.length === 0) {
        schema = patternProperties[only] ?? true;
        key = this.#string({ pattern: only }, path);
      } else if (patterns.length > 0) this.#cannot(path, "patternProperties beside other properties");
    }
    if (propertyNames !== undefined && propertyNames !== true && schema !== false) {
      if (declared.length > 0 || patternProperties !== undefined) this.#cannot(path, "propertyNames beside properties");
      else key = this.#valueOrNull({ allOf: [{ type: "string" }, propertyNames] }, pointerTo(path, "propertyNames"));
    }
    const value =
      schema === false || key === null ? null : this.#valueOrNull(schema, pointerTo(path, "additionalProperties"));
    return value === null ? null : this.#writer.rule("member", `${key} ":" " "? ${value} ${space}`);
  }

  /** A key that is none of these: their tree, left at every turn. Without escapes, so that none is spelled otherwise. */
  #otherKey(keys: readonly string[]): string {
    const plain: Range[] = [
      [0x20, 0x21],
      [0x23, 0x5b],
      [0x5d, 0x7e],
      [0x80, 0x10ffff],
    ];
    const rest = this.#writer.rule("key-rest", '[^"\\\\\\x00-\\x1f\\x7f]*');
    const differing = (suffixes: readonly string[]): string => {
      const units = new Map<string, string[]>();
      for (const suffix of suffixes) {
        const [unit] = [...suffix];
        if (unit !== undefined) units.set(unit, [...(units.get(unit) ?? []), suffix.slice(unit.length)]);
      }
      const taken = [...units.keys()].map((unit) => unit.codePointAt(0) ?? 0);
      const alternatives = [...units].map(([unit, rests]) => `${literal(unit)} ${differing(rests)}`);
      const ends = suffixes.includes("") ? [] : ['""'];
      return this.#writer.rule(
        "key",
        [...ends, ...alternatives, `${characterClass(without(plain, taken))} ${rest}`].join(" | "),
      );
    };
    return `"\\"" ${differing(keys)} "\\""`;
  }

  /** Members in any order, each once. */
  #inAnyOrder(declared: readonly { member: string; required: boolean }[]): string {
    const names = new Map<number, string>(); // by the set of those that came
    const after = (came: number): string => {
      const known = names.get(came);
      if (known !== undefined) return known;
      const name = this.#writer.reserve("members");
      names.set(came, name);
      const left = declared
        .map((property, i) => ({ ...property, bit: 1 << i }))
        .filter(({ bit }) => (came & bit) === 0);
      const comma = came === 0 ? "" : `"," ${space} `;
      const more = left.map(({ member, bit }) => `${comma}${member} ${after(came | bit)}`);
      const mayEnd = left.every(({ required }) => !required);
      this.#writer.define(name, [...(mayEnd ? ['""'] : []), ...more].join(" | "));
      return name;
    };
    return after(0);
  }

  /** Members in their order, with commas between those that are there. */
  #inOrder(declared: readonly { member: string; required: boolean }[], additional: string | null): string {
    const more = additional === null ? '""' : `("," ${space} ${additional})*`;
    let afterSome = more;
    let afterNone = additional === null ? '""' : `(${additional} ${more})?`;
    for (const { member, required } of [...declared].reverse()) {
      const some = afterSome;
      const tail = some === '""' ? "" : ` ${some}`;
      afterNone = required ? `${member}${tail}` : `(${member}${tail} | ${afterNone})`;
      afterSome = required ? `"," ${space} ${member}${tail}` : `("," ${space} ${member}${tail} | ${some})`;
      // As rules, since both go into the next pair of expressions.
      afterNone = this.#writer.rule("members", afterNone);
      afterSome = this.#writer.rule("more", afterSome);
    }
    return afterNone;
  }
}

/** Items in brackets or braces, `first` ones before any number of `rest`; null when there is no such list. */
function listOf(first: readonly (string | null)[], rest: string | null, least: number, most: number): string | null {
  const impossible = first.indexOf(null);
  const possible = (impossible < 0 ? first : first.slice(0, impossible)) as string[];
  const repeated = impossible < 0 ? rest : null;
  const limit = repeated === null ? Math.min(most, possible.length) : most;
  if (least > limit) return null;
  const fixed = possible.slice(0, Math.min(limit, possible.length));
  const restLimit = limit - fixed.length;
  const comma = `"," ${space}`;
  const item = (value: string) => `${value} ${space}`;
  let tail = '""';
  if (repeated !== null && restLimit > 0) {
    const restLeast = Math.max(0, least - fixed.length);
    if (fixed.length > 0) tail = `(${comma} ${item(repeated)})${bounds(restLeast, restLimit)}`;
    else {
      const others =
        restLimit > 1 ? ` (${comma} ${item(repeated)})${bounds(Math.max(0, restLeast - 1), restLimit - 1)}` : "";
      tail = `(${item(repeated)}${others})${restLeast > 0 ? "" : "?"}`;
    }
  }
  for (let i = fixed.length - 1; i >= 0; i--) {
    const own = `${i > 0 ? `${comma} ` : ""}${item(fixed[i] ?? "")} ${tail}`;
    tail = i < least ? own : `(${own})?`;
  }
  return tail;
}

/** The ranges without these code points. */
function without(ranges: readonly Range[], codePoints: readonly number[]): Range[] {
  return codePoints.reduce<Range[]>(
    (left, codePoint) =>
      left.flatMap(([low, high]): Range[] =>
        codePoint < low || codePoint > high
          ? [[low, high]]
          : [
              ...(low < codePoint ? [[low, codePoint - 1] as const] : []),
              ...(codePoint < high ? [[codePoint + 1, high] as const] : []),
            ],
      ),
    [...ranges],
  );
}

function choiceOrNull(expressions: readonly (string | null)[]): string | null {
  const possible = expressions.filter((expression) => expression !== null);
  return possible.length > 0 ? choice(possible) : null;
}

/** The types that its keywords are for; null where it has none. */
function impliedTypes(flat: Schema): Type[] | null {
  const implied = new Set(Object.keys(flat).map((keyword) => keywordTypes[keyword]));
  implied.delete(undefined);
  return implied.size > 0 ? ([...implied] as Type[]) : null;
}
