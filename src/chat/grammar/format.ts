/** Output formats that a request may ask for, as grammars for the engine. */
import { HearthError } from "../../base/errors.js";
import type { GrammarWriter } from "./gbnf.js";
import { SchemaCompiler } from "./json-schema.js";
import { choicesRule, patternRule } from "./plain-text.js";

export type OutputFormat =
  | { readonly type: "text" }
  /** Any JSON object. */
  | { readonly type: "json_object" }
  | {
      readonly type: "json_schema";
      /** JSON Schema, of draft 7 or 2020-12. */
      readonly schema: unknown;
      /** Refuse keywords that cannot be enforced; else they are left out, and the answer may break them. */
      readonly strict: boolean;
    }
  /** One of these texts. */
  | { readonly type: "choice"; readonly choices: readonly string[] }
  /** A text that an ECMAScript regular expression matches as a whole. */
  | { readonly type: "pattern"; readonly pattern: string }
  /** GBNF, with a rule `root`. */
  | { readonly type: "grammar"; readonly grammar: string };

const maxDepth = 200;
const maxParts = 100_000;
/** The limit for all keys and strings together. A schema that fills a prompt of 32,000 tokens has half as many. */
const maxCharacters = 256 * 1024;

/**
 * Throws REQUEST_INVALID for what is too deep or too long to be worked on. Looks at each part once, before anything is made
 * of it, and stops at the first one too many. `param`: the request's field.
 */
export function checkSchemaSize(schemas: unknown, param: string): void {
  let parts = 0;
  let characters = 0;
  const take = (value: unknown) => {
    parts++;
    if (typeof value === "string") characters += value.length;
    if (parts > maxParts) tooLarge(`more than ${maxParts} parts`, param);
    if (characters > maxCharacters) tooLarge(`more than ${maxCharacters} characters`, param);
  };
  take(schemas);
  let level: unknown[] = [schemas];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) tooLarge(`more than ${maxDepth} levels`, param);
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      const isList = Array.isArray(value);
      for (const key in value) {
        if (!isList) characters += key.length;
        const inner = (value as Record<string, unknown>)[key];
        take(inner);
        below.push(inner);
      }
    }
    level = below;
  }
}

function tooLarge(what: string, param: string): never {
  throw new HearthError("REQUEST_INVALID", `The schema has ${what}: it is nested too deeply or too long.`, { param });
}

/** The expression of a text of this format. Throws SCHEMA_UNSUPPORTED with the place in the schema, and GRAMMAR_INVALID. */
export function textRule(writer: GrammarWriter, format: OutputFormat): string {
  switch (format.type) {
    case "json_object":
      return jsonRule(writer, { type: "object" }, true);
    case "json_schema":
      return jsonRule(writer, format.schema, format.strict);
    case "choice":
      return choicesRule(format.choices);
    case "pattern":
      return patternRule(writer, format.pattern);
    default:
      throw new HearthError("INTERNAL", `The format ${format.type} is no part of a grammar.`);
  }
}

/** SentencePiece begins a text with a space. */
function jsonRule(writer: GrammarWriter, schema: unknown, strict: boolean): string {
  return `" "? ${new SchemaCompiler(writer, schema, { strict }).value(schema, "")}`;
}
