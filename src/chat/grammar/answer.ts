/** The grammar of a whole answer: reasoning where the model has it, then text, JSON or calls of the declared tools. */
import type { SpecialToken } from "../../engine/contract.js";
import { fence, foreignTags } from "../answers/wrappings.js";
import type { Tool } from "../messages.js";
import { answerBeginnings, type Beginnings, type UnmarkedCalls } from "./beginning.js";
import { type CallContext, type CallWriter, callShapes, jsonArguments, unmarkedCalls } from "./calls.js";
import { checkSchemaSize, type OutputFormat, textRule } from "./format.js";
import { freeText, type Marker } from "./free-text.js";
import { choice, GrammarWriter, literal } from "./gbnf.js";
import { wordsRule } from "./plain-text.js";

export interface AnswerShape {
  readonly format: OutputFormat;
  /** The tools that may be called; empty for no calls. */
  readonly tools: readonly Tool[];
  /** The family's ToolFormat: its name, and the texts that open calls, and close them. */
  readonly family: {
    readonly name: string;
    readonly opens: readonly string[];
    readonly closes: readonly string[];
    readonly isBare?: true;
  } | null;
  /** More than one call may come, and text after calls with marks: where none is wanted, what reads the answer ends it there. */
  readonly several: boolean;
  /** Calls without their marks are not held: for tools whose schemas make a large grammar without that. */
  readonly markedOnly?: boolean;
  /** Text has at least a word, and nothing that could begin a call; for an answer without tools. */
  readonly withoutCalls?: boolean;
  /** A call that the prompt has begun: of this tool, or of any (""); null for none. */
  readonly begun: string | null;
  readonly reasoning: { readonly open: string; readonly close: string } | null;
  /** The prompt has opened the reasoning. */
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

/** Whether its grammar holds calls without marks. Where others are begun in the prompt, they are not expected. */
export function holdsUnmarked({ family, begun, markedOnly = false }: AnswerShape): boolean {
  return family?.isBare === true || (begun === null && !markedOnly);
}

/** In GBNF; null where anything may be said. Throws SCHEMA_UNSUPPORTED. */
export function answerGrammar(shape: AnswerShape): string | null {
  const shapeOfCalls = shape.tools.length > 0 ? callShapes[shape.family?.name ?? ""] : undefined;
  const isWords = shape.withoutCalls === true && shape.format.type === "text";
  if (!shapeOfCalls && shape.format.type === "text" && !isWords) return null;
  if (shape.format.type === "grammar") return shape.format.grammar;
  checkShapeSize(shape);
  const writer = new GrammarWriter();
  const root = writer.reserve("root");
  const marker = (text: string) => markerExpression(text, shape.specialTokens);
  const calls = shapeOfCalls ? new CallRules(writer, shape, shapeOfCalls, marker) : null;
  const answer = calls ? calls.answer() : isWords ? wordsRule(writer) : textRule(writer, shape.format);
  writer.define(root, withReasoning(writer, shape, answer, marker));
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

function withReasoning(
  writer: GrammarWriter,
  shape: AnswerShape,
  answer: string,
  marker: (text: string) => string,
): string {
  const { reasoning, begun, inReasoning, specialTokens } = shape;
  if (!reasoning || begun !== null) return answer;
  const after = writer.rule("answer", `[ \\n]{0,4} ${answer}`);
  const close: Marker = { text: reasoning.close, tokens: controlTokens(reasoning.close, specialTokens), rule: after };
  const { start: rest } = freeText(writer, [close]);
  return inReasoning ? rest : choice([answer, `[ \\n]{0,4} ${marker(reasoning.open)} ${rest}`]);
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
    const { begun, format, tools, family, several, specialTokens } = this.#shape;
    const writer = this.#writer;
    const after = writer.reserve("after-call");
    const tokens = (text: string) => controlTokens(text, specialTokens);
    let json: ReadonlyMap<string, string> | null = null;
    const context: CallContext = {
      ...{ writer, tools, marker: this.#marker, tokens, several, after },
      json: () => {
        json ??= jsonArguments({ writer, tools });
        return json;
      },
    };
    const { opened, openedBy = {}, rest } = this.#calls(context);
    const markers = (family?.opens ?? []).map((text) => ({
      text,
      tokens: tokens(text),
      rule: openedBy[text] ?? opened,
    }));
    const marked = markers.map(({ text, rule }) => `${this.#marker(text)} ${rule}`);
    const unmarked = this.#unmarked(context);
    const { start, after: more } = this.#text(markers, unmarked);
    const closed = `(${space} "]")? (${space} ${choice(closesOf(family))}){0,2} ${space}`;
    // A family without marks writes calls one behind the other, and then nothing.
    const next = family?.isBare && unmarked ? `${closed} ([;,] ${space} ${unmarked.object})?` : more;
    writer.define(after, several ? next : '""');
    // Nothing follows JSON or a call that is the whole answer.
    if (unmarked) writer.define(unmarked.after, format.type !== "text" ? space : several ? next : closed);
    if (begun !== null) return rest(begun);
    if (format.type === "text") return start;
    return choice([textRule(writer, format), ...marked, ...(unmarked ? [unmarked.object] : [])]);
  }

  /** Any text in which calls may come: with their marks anywhere, without them from its beginning on. */
  #text(markers: readonly Marker[], unmarked: Unmarked | null): Beginnings {
    const text = freeText(this.#writer, markers);
    if (!unmarked) return { start: text.start, after: text.start };
    const { isBare = false } = this.#shape.family ?? {};
    return answerBeginnings(this.#writer, text, { ...unmarked, isBare });
  }

  #unmarked(context: CallContext): Unmarked | null {
    if (!holdsUnmarked(this.#shape)) return null;
    const { family } = this.#shape;
    const after = this.#writer.reserve("after-unmarked");
    const afterNames = unmarkedCalls(context, after);
    const named = choice([...afterNames].map(([name, rule]) => `${literal(name)} ${rule}`));
    const object = this.#writer.rule("unmarked", `"{" ${space} ${literal('"name":')} " "? ${named}`);
    return { afterNames, tags: foreignTags(family?.opens ?? []), object, after };
  }
}

/** Calls without marks. */
interface Unmarked extends Omit<UnmarkedCalls, "isBare"> {
  /** The rule of a whole call. */
  readonly object: string;
  /** The rule of what follows one, still to be defined. */
  readonly after: string;
}

/** The marks that close a block or tags around a call. */
function closesOf(family: AnswerShape["family"]): string[] {
  return [fence, ...foreignTags(family?.opens ?? []).closes].map(literal);
}

const space = "[ \\n]{0,4}";
