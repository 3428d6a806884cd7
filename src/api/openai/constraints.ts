/**
 * Constraints on an answer, in the words of OpenAI and of other servers of its protocols: llama.cpp, vLLM, SGLang. Each
 * is enforced or refused by its name. Pure.
 */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { inWords } from "../../net/openapi-notes.js";
import { unsupported } from "../../net/validate.js";
import type { OutputFormat } from "../../service/types.js";

const schemaObject = z.record(z.string(), z.unknown());
/** Some clients write the schema as text. */
const schemaOrText = z.union([schemaObject, z.string()]);
const grammarText = z.string().min(1);
const patternText = z.string().min(1).max(16_384);
const choices = z.array(z.string().max(16_384)).min(1).max(1024);

const responseFormat = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object"), schema: schemaObject.nullish() }),
  z
    .object({
      type: z.literal("json_schema"),
      json_schema: z
        .object({
          name: z.string().max(64).nullish(),
          description: z.string().nullish(),
          schema: schemaObject.nullish(),
          strict: z.boolean().nullish(),
        })
        .optional(),
      schema: schemaObject.optional().meta(inWords),
    })
    .meta({ required: ["type", "json_schema"] }),
  z.object({ type: z.literal("grammar"), grammar: grammarText }).meta(inWords),
]);

const structuredOutputs = z.object({
  json: schemaOrText.nullish(),
  regex: patternText.nullish(),
  choice: choices.nullish(),
  grammar: grammarText.nullish(),
  json_object: z.boolean().nullish(),
  structural_tag: z.unknown().optional(),
});

export const constraintFields = {
  response_format: responseFormat.nullish(),
  // llama.cpp's, and SGLang's, which has the schema as text.
  json_schema: schemaOrText.nullish().meta(inWords),
  grammar: z.string().nullish().meta(inWords),
  // vLLM's, the newer one first.
  structured_outputs: structuredOutputs.nullish().meta(inWords),
  guided_json: schemaOrText.nullish().meta(inWords),
  guided_regex: patternText.nullish().meta(inWords),
  guided_choice: choices.nullish().meta(inWords),
  guided_grammar: grammarText.nullish().meta(inWords),
  structural_tag: z.unknown().optional().meta(inWords),
  // SGLang's.
  regex: patternText.nullish().meta(inWords),
  ebnf: grammarText.nullish().meta(inWords),
};
const constraintSchema = z.object(constraintFields);
type Constraints = z.infer<typeof constraintSchema>;

/** Throws REQUEST_INVALID where two fields say what the answer looks like, and REQUEST_UNSUPPORTED with the field's name. */
export function toFormat(request: Constraints): OutputFormat {
  const { structured_outputs: structured } = request;
  for (const [name, value] of [
    ["structural_tag", request.structural_tag],
    ["structured_outputs.structural_tag", structured?.structural_tag],
  ] as const) {
    if (value !== undefined && value !== null) throw unsupported(name, `the field ${name}`);
  }
  const asked = [
    one("response_format", fromResponseFormat(request.response_format)),
    one("json_schema", fromSchema("json_schema", request.json_schema)),
    // llama.cpp's clients send an empty one for none.
    one("grammar", request.grammar ? { type: "grammar", grammar: request.grammar } : null),
    ...fromWords("structured_outputs.", structured ?? {}),
    ...fromWords("guided_", {
      json: request.guided_json,
      regex: request.guided_regex,
      choice: request.guided_choice,
      grammar: request.guided_grammar,
    }),
    ...fromWords("", { regex: request.regex }),
    ...fromWords("", { ebnf: request.ebnf }),
  ].filter((each) => each !== null);
  const [first, second] = asked;
  if (first && second) {
    const message = `${first.name} and ${second.name} both say what the answer looks like. Send one of them.`;
    throw new HearthError("REQUEST_INVALID", message, { param: second.name });
  }
  return first?.format ?? { type: "text" };
}

interface Asked {
  readonly name: string;
  readonly format: OutputFormat;
}

function one(name: string, format: OutputFormat | null): Asked | null {
  return format && { name, format };
}

interface Words {
  readonly json?: z.infer<typeof schemaOrText> | null | undefined;
  readonly regex?: string | null | undefined;
  readonly choice?: readonly string[] | null | undefined;
  readonly grammar?: string | null | undefined;
  readonly ebnf?: string | null | undefined;
  readonly json_object?: boolean | null | undefined;
}

function fromWords(prefix: string, words: Words): (Asked | null)[] {
  const { regex, choice, grammar, ebnf, json_object: isObject } = words;
  return [
    one(`${prefix}json`, fromSchema(`${prefix}json`, words.json)),
    one(`${prefix}regex`, regex ? { type: "pattern", pattern: regex } : null),
    one(`${prefix}choice`, choice ? { type: "choice", choices: choice } : null),
    one(`${prefix}grammar`, grammar ? { type: "grammar", grammar } : null),
    one(`${prefix}ebnf`, ebnf ? { type: "grammar", grammar: ebnf } : null),
    one(`${prefix}json_object`, isObject ? { type: "json_object" } : null),
  ];
}

function fromResponseFormat(format: Constraints["response_format"]): OutputFormat | null {
  switch (format?.type) {
    case "json_object":
      return format.schema ? held(format.schema) : { type: "json_object" };
    case "grammar":
      return { type: "grammar", grammar: format.grammar };
    case "json_schema": {
      const { json_schema: described, schema } = format;
      if (!described && !schema) {
        const message = "response_format: type json_schema needs json_schema.schema.";
        throw new HearthError("REQUEST_INVALID", message, { param: "response_format.json_schema" });
      }
      // OpenAI's own form, in which a schema that cannot be enforced whole is taken for a wish.
      if (described) return { type: "json_schema", schema: described.schema ?? {}, strict: described.strict ?? false };
      return held(schema ?? {});
    }
    default:
      return null;
  }
}

function fromSchema(name: string, given: z.infer<typeof schemaOrText> | null | undefined): OutputFormat | null {
  if (given === null || given === undefined) return null;
  if (typeof given !== "string") return held(given);
  try {
    return held(schemaObject.parse(JSON.parse(given)));
  } catch (error) {
    throw new HearthError("REQUEST_INVALID", `${name}: the text is no JSON object.`, { param: name, cause: error });
  }
}

/** To the letter: what cannot be enforced is refused. */
function held(schema: Record<string, unknown>): OutputFormat {
  return { type: "json_schema", schema, strict: true };
}
