/** The grammar of a whole answer: thoughts where the model has them, then text, JSON or calls of the declared tools. */
import type { SpecialToken } from "../../engine/contract.js";
import { foreignTags } from "../answers/wrappings.js";
import type { Tool } from "../messages.js";
import { answerBeginning, type UnmarkedCalls, wrappingOf } from "./beginning.js";
import { type CallContext, type CallWriter, callShapes, jsonArguments, unmarkedCalls } from "./calls.js";
import { type OutputFormat, textRule } from "./format.js";
import { freeText, type Marker } from "./free-text.js";
import { choice, GrammarWriter, literal } from "./gbnf.js";

export interface AnswerShape {
  readonly format: OutputFormat;
  /** What may be called; empty for no calls. */
  readonly tools: readonly Tool[];
  /** Of the family's ToolFormat: its name, and the texts that open calls, and close them. */
  readonly family: {
    readonly name: string;
    readonly opens: readonly string[];
    readonly closes: readonly string[];
    readonly isBare?: true;
  } | null;
  /** More than one call may come, and text after calls. */
  readonly several: boolean;
  /** Calls without their marks are not held: for tools whose schemas make a large grammar without that. */
  readonly markedOnly?: boolean;
  /** A call that the prompt has begun: of this tool, or of any (""); null for none. */
  readonly begun: string | null;
  readonly reasoning: { readonly open: string; readonly close: string } | null;
  /** The prompt has opened the thoughts. */
  readonly inReasoning: boolean;
  readonly specialTokens: readonly SpecialToken[];
}

/** In GBNF; null where anything may be said. Throws SCHEMA_UNSUPPORTED. */
export function answerGrammar(shape: AnswerShape): string | null {
  const shapeOfCalls = shape.tools.length > 0 ? callShapes[shape.family?.name ?? ""] : undefined;
  if (!shapeOfCalls && shape.format.type === "text") return null;
  if (shape.format.type === "grammar") return shape.format.grammar;
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
  const { start: thoughts } = freeText(writer, [close]);
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
    const { begun, tools, family, several, specialTokens } = this.#shape;
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
    const unmarked = this.#unmarked(context, marked);
    if (begun !== null) {
      // Nothing but calls is asked for.
      writer.define(after, this.#more(marked, unmarked));
      return rest(begun);
    }
    const text = this.#text(markers, unmarked);
    writer.define(after, several ? text : '""');
    if (this.#shape.format.type === "text") return text;
    return choice([textRule(writer, this.#shape.format), ...marked, ...(unmarked ? [unmarked.object] : [])]);
  }

  /** Any text in which calls may come: with their marks anywhere, without them from its beginning on. */
  #text(markers: readonly Marker[], unmarked: Unmarked | null): string {
    const text = freeText(this.#writer, markers);
    if (!unmarked) return text.start;
    const { isBare = false } = this.#shape.family ?? {};
    return answerBeginning(this.#writer, text, { ...unmarked, isBare });
  }

  /** Calls without marks, and then nothing but calls. */
  #unmarked(context: CallContext, marked: readonly string[]): Unmarked | null {
    const { family, begun, markedOnly = false } = this.#shape;
    if ((markedOnly || begun !== null) && !family?.isBare) return null;
    const tags = foreignTags(family?.opens ?? []);
    const after = this.#writer.reserve("after-unmarked");
    const afterNames = unmarkedCalls(context, after);
    const named = choice([...afterNames].map(([name, rule]) => `${literal(name)} ${rule}`));
    const object = this.#writer.rule("unmarked", `"{" ${space} ${literal('"name":')} " "? ${named}`);
    const unmarked = { afterNames, tags: tags.opens, object, wrapping: wrappingOf(tags) };
    this.#writer.define(after, `${unmarked.wrapping.behind} ${this.#more(marked, unmarked)}`);
    return unmarked;
  }

  /** What may follow a call where nothing but calls may: marks that close it, and another one where several may come. */
  #more(marked: readonly string[], unmarked: Unmarked | null): string {
    const { several, family } = this.#shape;
    const { closes = [] } = family ?? {};
    const end = closes.length > 0 ? `(${space} ${choice(closes.map(this.#marker))})?` : "";
    const bare = unmarked ? [`([;,] ${space})? ${unmarked.wrapping.before} ${unmarked.object}`] : [];
    return `${end} ${space} ${several ? `(${[...marked, ...bare].join(" | ")})?` : ""}`;
  }
}

interface Unmarked extends Omit<UnmarkedCalls, "isBare"> {
  /** The rule of a whole call. */
  readonly object: string;
  readonly wrapping: ReturnType<typeof wrappingOf>;
}

const space = "[ \\n]{0,4}";
