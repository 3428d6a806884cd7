/** Alternatives of a schema without combiners, and the types that each allows. */
import { type Flat, flatten, list, typesOf, valuesOf } from "./merge.js";
import { isSchema, keywordTypes, type SchemaDocument, type Type, typeOf } from "./schema.js";

/** Not strict: a `oneOf` whose alternatives may overlap is taken for an `anyOf`. */
export function flattenFor(
  document: SchemaDocument,
  schema: unknown,
  path: string,
  { strict }: { readonly strict: boolean },
): Flat[] {
  if (strict || !isSchema(schema) || schema.oneOf === undefined) return flatten(document, schema, path);
  const { oneOf, ...rest } = schema;
  const anyOf =
    rest.anyOf === undefined ? { anyOf: oneOf } : { allOf: [...list(rest, "allOf", path), { anyOf: oneOf }] };
  return flatten(document, { ...rest, ...anyOf }, path);
}

/** The types that it names, or that its keywords are for; null where it has none. */
export function allowedTypes(flat: Flat, path: string): readonly Type[] | null {
  if (flat.type !== undefined) return typesOf(flat, path);
  const implied = new Set(Object.keys(flat).map((keyword) => keywordTypes[keyword]));
  implied.delete(undefined);
  return implied.size > 0 ? ([...implied] as Type[]) : null;
}

/** The types that a value can have; null for all. */
export function possibleTypes(flat: Flat, path: string): readonly Type[] | null {
  const values = valuesOf(flat, path);
  if (!values) return allowedTypes(flat, path);
  const named = typesOf(flat, path);
  return values.map(typeOf).filter((type) => named.includes(type) || (type === "integer" && named.includes("number")));
}
