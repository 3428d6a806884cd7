/** The forms in which each family writes calls, as grammars: a call names a declared tool, and its arguments match its schema. */
import { HearthError } from "../../base/errors.js";
import { gemmaQuote, xmlTags } from "../answers/written-values.js";
import type { Tool } from "../messages.js";
import { choice, type GrammarWriter, jsonLiteral, literal } from "./gbnf.js";
import { type ArgumentsForm, SchemaCompiler, type SchemaOptions } from "./json-schema.js";
import {
  anyTextAtAll,
  gemmaNotation,
  jsonNotation,
  type Notation,
  pythonArguments,
  pythonNotation,
  xmlJson,
  xmlParameters,
  xmlTexts,
  xmlValueEnd,
} from "./notation.js";
import { ParameterKinds } from "./parameter-kinds.js";
import { isSchema, type Schema } from "./schema.js";

export interface CallContext {
  readonly writer: GrammarWriter;
  readonly tools: readonly Tool[];
  /** The expression of a text that may be a control token. */
  readonly marker: (text: string) => string;
  /** The control tokens of a text. */
  readonly tokens: (text: string) => readonly number[];
  /** More than one call may stand in a list of calls. */
  readonly several: boolean;
  /** The rule of what may follow calls. */
  readonly after: string;
  /** Rules of each tool's arguments as JSON, by name. */
  readonly json: () => ReadonlyMap<string, string>;
}

export interface CallParts {
  /** The rule of what follows the opening marker. */
  readonly opened: string;
  /** The rules by the marker's text, where they depend on it. */
  readonly openedBy?: Readonly<Record<string, string>>;
  /** The rule for the text behind a call's beginning in the prompt (ToolFormat.begin): of one tool, or of any (""). */
  readonly rest: (tool: string) => string;
}

export type CallWriter = (context: CallContext) => CallParts;

const space = "[ \\n]{0,4}";

type Compile = (compiler: (options: Partial<SchemaOptions>) => SchemaCompiler, schema: object) => string;

/** The targets of Home Assistant's tools: a device, an area or a floor. Without any of them a tool acts on the whole home. */
const targets = ["name", "area", "floor"] as const;

/** The targets of a tool that has all of these; to act on nothing in particular is what nobody asks for. */
function targetsOf({ properties }: Schema): readonly string[] {
  const has = (key: string) => isSchema(properties) && Object.hasOwn(properties, key);
  return targets.every(has) ? targets : [];
}

/**
 * Expressions of each tool's arguments, by name. A schema that makes no sense costs the tool its constraint, not the
 * request: `unconstrained`, or what `compile` makes of any object.
 */
function argumentRules(
  { writer, tools }: Pick<CallContext, "writer" | "tools">,
  compile: Compile,
  unconstrained?: string,
): Map<string, string> {
  const of = (schema: object, leastOne: readonly string[] = []) =>
    compile(
      (options) => new SchemaCompiler(writer, schema, { strict: false, anyOrder: true, leastOne, ...options }),
      schema,
    );
  const expression = ({ parameters }: Tool) => {
    try {
      if (!isSchema(parameters)) return of({ type: "object", properties: {} });
      return of({ ...parameters, type: "object" }, targetsOf(parameters));
    } catch (error) {
      if (error instanceof HearthError && error.code === "GRAMMAR_TOO_COMPLEX") throw error;
      return unconstrained ?? of({ type: "object" });
    }
  };
  return new Map(tools.map((tool) => [tool.name, writer.rule(`arguments-${tool.name}`, expression(tool))]));
}

export const jsonArguments = (context: Pick<CallContext, "writer" | "tools">): ReadonlyMap<string, string> =>
  argumentRules(context, (compiler, schema) => compiler({}).value(schema, ""));

/** By each tool's name as JSON, the rule of what follows it in an object that is a call without marks; then comes `after`. */
export function unmarkedCalls({ writer, json }: CallContext, after: string): ReadonlyMap<string, string> {
  const { space } = jsonNotation(writer);
  const key = `"," ${space} ${choice([literal('"arguments"'), literal('"parameters"')])} ":" " "?`;
  const rules = [...json()].map(([name, rule]): [string, string] => [
    JSON.stringify(name),
    writer.rule(`unmarked-${name}`, `${key} ${rule} ${space} "}" ${after}`),
  ]);
  return new Map(rules);
}

/** `{"name": NAME, "arguments": ARGUMENTS}`, whole or from where the prompt has come to. */
function jsonCall(context: CallContext, key: string, member = ""): { whole: string; rest: (tool: string) => string } {
  const { writer } = context;
  const rules = context.json();
  const tail = (name: string) => `" "? ${rules.get(name) ?? '"{}"'} ${member} "}"`;
  const named = (name: string) => `${jsonLiteral(name)} "," " "? ${literal(`"${key}":`)} ${tail(name)}`;
  const afterName = writer.rule("call-name", `" "? ${choice([...rules.keys()].map(named))}`);
  const whole = writer.rule("call", `"{" ${literal('"name":')} ${afterName}`);
  return { whole, rest: (tool) => (tool === "" ? afterName : tail(tool)) };
}

const hermes: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const { whole, rest } = jsonCall(context, "arguments");
  const close = `${space} ${marker("</tool_call>")} ${after}`;
  return {
    opened: writer.rule("opened", `${space} ${whole} ${close}`),
    rest: (tool) => `${rest(tool)} ${close}`,
  };
};

const llama: CallWriter = (context) => {
  const { writer, after } = context;
  const { whole, rest } = jsonCall(context, "parameters");
  const call = `${whole} ${after}`;
  return {
    opened: writer.rule("opened", `${space} ${call}`),
    rest: (tool) => `${rest(tool)} ${after}`,
  };
};

const mistral: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const rules = context.json();
  const tail = (name: string) => `${rules.get(name) ?? '"{}"'} ${after}`;
  const named = [...rules.keys()].map((name) => `${literal(name)} ${marker("[ARGS]")} ${tail(name)}`);
  const opened = writer.rule("opened", choice(named));
  return { opened, rest: (tool) => (tool === "" ? opened : tail(tool)) };
};

/**
 * A list of calls behind one marker. `close`: stands after it in some templates; `member`: behind the arguments, where the
 * template writes more than them.
 */
const listed =
  ({ close = null, member = "" }: { readonly close?: string | null; readonly member?: string }): CallWriter =>
  (context) => {
    const { writer, marker, several, after } = context;
    const { whole, rest } = jsonCall(context, "arguments", member);
    const more = several ? `("," ${space} ${whole})*` : "";
    const end = `${more} ${space} "]" ${close === null ? "" : `(${space} ${marker(close)})?`} ${after}`;
    return {
      opened: writer.rule("opened", `${space} "[" ${space} ${whole} ${end}`),
      rest: (tool) => `${rest(tool)} ${end}`,
    };
  };

const deepseek: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const rules = context.json();
  const close = `${marker("<｜tool▁call▁end｜>")} ${after}`;
  const separator = marker("<｜tool▁sep｜>");
  const fenced = (name: string) => `${rules.get(name) ?? '"{}"'} ${literal("\n```")} ${close}`;
  const typed = (name: string) => `${literal(`${name}\n\`\`\`json\n`)} ${fenced(name)}`;
  const afterType = writer.rule("call-name", choice([...rules.keys()].map(typed)));
  const plain = [...rules].map(([name, args]) => `${literal(name)} ${separator} ${args} ${close}`);
  return {
    opened: writer.rule("opened", choice([`"function" ${separator} ${afterType}`, ...plain])),
    rest: (tool) => (tool === "" ? afterType : fenced(tool)),
  };
};

/** A name, arguments between brackets, and perhaps more such calls. */
function bracketed(
  { writer }: CallContext,
  rules: ReadonlyMap<string, string>,
  { open, end }: { readonly open: string; readonly end: string },
) {
  const tail = (name: string) => `${rules.get(name) ?? '""'} ${end}`;
  const call = writer.rule("call", choice([...rules.keys()].map((name) => `${literal(name + open)} ${tail(name)}`)));
  return { call, rest: (tool: string) => (tool === "" ? call : tail(tool)) };
}

function membersIn(notation: Notation, form: ArgumentsForm): Compile {
  return (compiler, schema) => compiler({ notation }).members(schema, form);
}

/** `[f(key="text", other=True), g()]`: LFM2. */
const lfm: CallWriter = (context) => {
  const { writer, marker, several, after } = context;
  const python = pythonNotation(writer);
  const rules = argumentRules(context, membersIn(python, { members: pythonArguments(python) }));
  const { call, rest } = bracketed(context, rules, { open: "(", end: '")"' });
  const more = `${several ? `("," " "? ${call})*` : ""} "]" ${marker("<|tool_call_end|>")} ${after}`;
  return {
    opened: writer.rule("opened", `"[" ${call} ${more}`),
    rest: (tool) => `${rest(tool)} ${more}`,
  };
};

/** `call:f{key:<|"|>text<|"|>}`: Gemma 4. */
const gemma: CallWriter = (context) => {
  const { writer, marker, tokens, after } = context;
  const notation = gemmaNotation(writer, marker(gemmaQuote), tokens(gemmaQuote));
  const rules = argumentRules(context, membersIn(notation, { members: notation }));
  const { call, rest } = bracketed(context, rules, { open: "{", end: '"}"' });
  const close = `${marker("<tool_call|>")} ${after}`;
  return {
    opened: writer.rule("opened", `"call:" ${call} ${close}`),
    rest: (tool) => `${rest(tool)} ${close}`,
  };
};

/** `<function=f>`, and `<parameter=key>` before each value: Qwen3-Coder and Qwen3.5. */
const xml: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const [texts, json, members] = [xmlTexts(writer), xmlJson(writer), xmlParameters(writer)];
  const anyTexts = `(${members.keyOf(anyTextAtAll)} ${texts.string(anyTextAtAll)})*`;
  const rules = argumentRules(
    context,
    (compiler, schema) => {
      const kinds = new ParameterKinds(schema, writer.budget);
      const [ofTexts, ofJson] = [compiler({ notation: texts }), compiler({ notation: json })];
      const value = (key: string | null, part: unknown, path: string) => {
        if (kinds.isText(key)) return ofTexts.valueOrNull(part, path);
        const written = ofJson.valueOrNull(part, path);
        return written === null ? null : `${written} ${xmlValueEnd}`;
      };
      return ofJson.members(schema, { members, value });
    },
    anyTexts,
  );
  const end = literal(xmlTags.functionClose);
  const { call, rest } = bracketed(context, rules, { open: ">\n", end });
  const close = `"\\n" ${marker(xmlTags.callsClose)} ${after}`;
  return {
    opened: writer.rule("opened", `"\\n" ${literal(xmlTags.functionOpen)} ${call} ${close}`),
    openedBy: {
      [xmlTags.functionOpen]: writer.rule("opened", `${call} ("\\n" ${marker(xmlTags.callsClose)})? ${after}`),
    },
    rest: (tool) => `${rest(tool)} ${close}`,
  };
};

/** By the names of ToolFormat. */
export const callShapes: Readonly<Record<string, CallWriter>> = {
  hermes,
  llama,
  mistral,
  // The ids of calls are nine letters and digits.
  "mistral-list": listed({ member: '(", \\"id\\": \\"" [a-zA-Z0-9]{9} "\\"")?' }),
  list: listed({ close: "<|/tool_call|>" }),
  deepseek,
  xml,
  lfm,
  gemma,
};
