/** The grammar of a whole answer: thoughts where the model has them, then text, JSON or calls of the declared tools. */
import type { SpecialToken } from "../../engine/contract.js";
import type { Tool } from "../messages.js";
import { type CallWriter, callShapes } from "./calls.js";
import { checkSchemaSize, type OutputFormat, textRule } from "./format.js";
import { freeText, type Marker } from "./free-text.js";
import { choice, GrammarWriter, literal } from "./gbnf.js";

export interface AnswerShape {
  readonly format: OutputFormat;
  /** What may be called; empty for no calls. */
  readonly tools: readonly Tool[];
  /** The name of the family's ToolFormat, and the texts that open a call in it. */
  readonly family: { readonly name: string; readonly opens: readonly string[] } | null;
  /** More than one call may come, and text after calls. */
  readonly several: boolean;
  /** A call that the prompt has begun: of this tool, or of any (""); null for none. */
  readonly begun: string | null;
  readonly reasoning: { readonly open: string; readonly close: string } | null;
  /** The prompt has opened the thoughts. */
  readonly inReasoning: boolean;
  readonly specialTokens: readonly SpecialToken[];
}

/** Throws REQUEST_INVALID for schemas that are too large to be worked on. To be asked before anything else is done with them. */
export function checkShapeSize({ format, tools }: AnswerShape): void {
  if (format.type === "json_schema") checkSchemaSize(format.schema, "format");
  checkSchemaSize(
    tools.map(({ parameters }) => parameters),
    "tools",
  );
}

/** In GBNF; null where anything may be said. Throws SCHEMA_UNSUPPORTED. */
export function answerGrammar(shape: AnswerShape): string | null {
  const shapeOfCalls = shape.tools.length > 0 ? callShapes[shape.family?.name ?? ""] : undefined;
  if (!shapeOfCalls && shape.format.type === "text") return null;
  if (shape.format.type === "grammar") return shape.format.grammar;
  checkShapeSize(shape);
  const writer = new GrammarWriter();
  const root = writer.reserve("root");
  const marker = (text: string) => markerExpression(text, shape.specialTokens);
  const calls = shapeOfCalls ? new CallRules(writer, shape, shapeOfCalls, marker) : null;
  const answer = calls ? calls.answer() : textRule(writer, shape.format);
  writer.define(root, withThoughts(writer, shape, answer, marker));
  return writer.render();
}

/** A marker as text, or as the control tokens of that text. */
function markerExpression(text: string, specialTokens: readonly SpecialToken[]): string {
  const ids = controlTokens(text, specialTokens);
  return ids.length > 0 ? choice([literal(text), `<[${ids.join(",")}]>`]) : literal(text);
}

function controlTokens(text: string, specialTokens: readonly SpecialToken[]): number[] {
  return specialTokens.filter((token) => token.control && token.text === text).map(({ id }) => id);
}

function withThoughts(
  writer: GrammarWriter,
  shape: AnswerShape,
  answer: string,
  marker: (text: string) => string,
): string {
  const { reasoning, begun, inReasoning, specialTokens } = shape;
  if (!reasoning || begun !== null) return answer;
  const after = writer.rule("answer", `[ \\n]{0,4} ${answer}`);
  const close: Marker = { text: reasoning.close, tokens: controlTokens(reasoning.close, specialTokens), rule: after };
  const { text: thoughts } = freeText(writer, [close]);
  return inReasoning ? thoughts : choice([answer, `[ \\n]{0,4} ${marker(reasoning.open)} ${thoughts}`]);
}

class CallRules {
  readonly #writer: GrammarWriter;
  readonly #shape: AnswerShape;
  readonly #calls: CallWriter;
  readonly #marker: (text: string) => string;

  constructor(writer: GrammarWriter, shape: AnswerShape, calls: CallWriter, marker: (text: string) => string) {
    this.#writer = writer;
    this.#shape = shape;
    this.#calls = calls;
    this.#marker = marker;
  }

  answer(): string {
    const { format, begun, tools, family, several, specialTokens } = this.#shape;
    const after = this.#writer.reserve("after-call");
    const tokens = (text: string) => controlTokens(text, specialTokens);
    const context = { writer: this.#writer, tools, marker: this.#marker, tokens, several, after };
    const { opened, openedBy = {}, bare, rest } = this.#calls(context);
    const markers = (family?.opens ?? []).map((text) => ({
      text,
      tokens: tokens(text),
      rule: openedBy[text] ?? opened,
    }));
    const spaces = [" ", "\t", "\n"];
    const { text, beginning } = freeText(this.#writer, markers, bare ? ["{", ...spaces] : []);
    this.#writer.define(after, !several ? '""' : bare ? `${bare.after} | ${text}` : text);
    if (begun !== null) return rest(begun);
    const unmarked = bare ? bare.call : null;
    if (format.type === "text") {
      // Where calls have no marker, what begins like one is one.
      return unmarked === null ? text : `[ \\t\\n]{0,8} ${choice([unmarked, beginning])}`;
    }
    const calls = markers.map((marker) => `${this.#marker(marker.text)} ${marker.rule}`);
    return choice([textRule(this.#writer, format), ...calls, ...(unmarked === null ? [] : [unmarked])]);
  }
}
