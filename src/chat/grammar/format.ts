/** What an answer may be asked to look like, as a grammar for the engine. */
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

/** Throws REQUEST_INVALID for what is too deep or too long to be worked on. */
export function checkFormatSize(format: OutputFormat): void {
  let parts = 0;
  let level: unknown[] = [format];
  for (let depth = 0; level.length > 0; depth++) {
    parts += level.length;
    if (depth > maxDepth || parts > maxParts) {
      throw new HearthError("REQUEST_INVALID", "The format's schema is nested too deeply or too long.", {
        param: "format",
      });
    }
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
}

/** The expression of a text of this format. Throws SCHEMA_UNSUPPORTED with the place in the schema, and GRAMMAR_INVALID. */
export function textRule(writer: GrammarWriter, format: OutputFormat): string {
  checkFormatSize(format);
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
