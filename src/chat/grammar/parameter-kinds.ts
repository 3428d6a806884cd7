/**
 * Finds the parameters of a tool that are texts: families that write values without quotes write these as they are, and all others as
 * JSON. The grammar of calls and what reads them have to agree.
 */
import { flattenFor, possibleTypes } from "./alternatives.js";
import type { WorkBudget } from "./gbnf.js";
import type { Flat } from "./merge.js";
import { isSchema, SchemaDocument } from "./schema.js";

export class ParameterKinds {
  readonly #document: SchemaDocument;
  readonly #alternatives: readonly Flat[];
  readonly #known = new Map<string | null, boolean>();

  /** `parameters`: the tool's schema, as far as it is one. */
  constructor(parameters: unknown, budget?: WorkBudget) {
    this.#document = new SchemaDocument(parameters, budget);
    this.#alternatives = this.#flatten(parameters ?? true) ?? [];
  }

  /** No value but a string can match. `key`: null for one that the schema does not name. */
  isText(key: string | null): boolean {
    const known = this.#known.get(key) ?? this.#areTexts(this.#alternatives.map((flat) => schemaOf(flat, key)));
    this.#known.set(key, known);
    return known;
  }

  #areTexts(schemas: readonly unknown[]): boolean {
    const flats = schemas.map((schema) => this.#flatten(schema));
    return flats.length > 0 && flats.every((each) => each !== null && each.length > 0 && each.every(isTextOnly));
  }

  #flatten(schema: unknown): Flat[] | null {
    try {
      return flattenFor(this.#document, schema, "", { strict: false });
    } catch {
      return null; // no schema that makes sense
    }
  }
}

function schemaOf(flat: Flat, key: string | null): unknown {
  const { properties, additionalProperties = true } = flat;
  return key !== null && isSchema(properties) && Object.hasOwn(properties, key)
    ? properties[key]
    : additionalProperties;
}

function isTextOnly(flat: Flat): boolean {
  try {
    return possibleTypes(flat, "")?.every((type) => type === "string") ?? false;
  } catch {
    return false;
  }
}
