/** How the families that write calls as JSON do so. Each names a declared tool and its arguments match the tool's schema. */
import type { Tool } from "../messages.js";
import { choice, type GrammarWriter, jsonLiteral, literal } from "./gbnf.js";
import { SchemaCompiler } from "./json-schema.js";
import { isSchema } from "./schema.js";

export interface CallContext {
  readonly writer: GrammarWriter;
  readonly tools: readonly Tool[];
  /** The expression of a text that may be a control token. */
  readonly marker: (text: string) => string;
  /** The rule of what may follow calls. */
  readonly after: string;
}

export interface CallParts {
  /** The rule of what follows the opening marker. */
  readonly opened: string;
  /** For families that need no marker: a call from its first letter, and what may follow one. */
  readonly bare?: { readonly call: string; readonly after: string };
  /** What follows the text with which the prompt begins a call (ToolFormat.begin): of a tool, or of any (""). */
  readonly rest: (tool: string) => string;
}

export type CallWriter = (context: CallContext) => CallParts;

const space = "[ \\n]{0,4}";

/** The expressions of each tool's arguments, by name. */
function argumentRules({ writer, tools }: CallContext): Map<string, string> {
  return new Map(tools.map((tool) => [tool.name, writer.rule(`arguments-${tool.name}`, argumentsOf(writer, tool))]));
}

/** A schema that makes no sense costs the tool its constraint, not the request. */
function argumentsOf(writer: GrammarWriter, { parameters }: Tool): string {
  const schema = isSchema(parameters) ? { ...parameters, type: "object" } : { type: "object", properties: {} };
  const compile = (document: unknown) =>
    new SchemaCompiler(writer, document, { strict: false, anyOrder: true }).value(document, "");
  try {
    return compile(schema);
  } catch {
    return compile({ type: "object" });
  }
}

/** `{"name": NAME, "arguments": ARGUMENTS}`, whole or from where the prompt has come to. */
function jsonCall(context: CallContext, key: string): { whole: string; rest: (tool: string) => string } {
  const { writer } = context;
  const rules = argumentRules(context);
  const tail = (name: string) => `" "? ${rules.get(name) ?? '"{}"'} "}"`;
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
    bare: { call, after: `${space} [;,] ${space} ${call}` },
    rest: (tool) => `${rest(tool)} ${after}`,
  };
};

const mistral: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const rules = argumentRules(context);
  const tail = (name: string) => `${rules.get(name) ?? '"{}"'} ${after}`;
  const named = [...rules.keys()].map((name) => `${literal(name)} ${marker("[ARGS]")} ${tail(name)}`);
  const opened = writer.rule("opened", choice(named));
  return { opened, rest: (tool) => (tool === "" ? opened : tail(tool)) };
};

/** A list of calls behind one marker. `close`: stands after it in some templates. */
const listed =
  (close: string | null): CallWriter =>
  (context) => {
    const { writer, marker, after } = context;
    const { whole, rest } = jsonCall(context, "arguments");
    const end = `(${space} "," ${space} ${whole})* ${space} "]" ${close === null ? "" : `(${space} ${marker(close)})?`} ${after}`;
    return {
      opened: writer.rule("opened", `${space} "[" ${space} ${whole} ${end}`),
      rest: (tool) => `${rest(tool)} ${end}`,
    };
  };

const deepseek: CallWriter = (context) => {
  const { writer, marker, after } = context;
  const rules = argumentRules(context);
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

/** By the names of ToolFormat. Families that write calls otherwise than as JSON are not held to their schemas. */
export const callShapes: Readonly<Record<string, CallWriter>> = {
  hermes,
  llama,
  mistral,
  "mistral-list": listed(null),
  list: listed("<|/tool_call|>"),
  deepseek,
};
