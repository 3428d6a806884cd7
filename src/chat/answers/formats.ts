/**
 * The forms in which each family writes tool calls and reasoning, and the family of a chat template. Sources: the templates
 * themselves, and where they only tell of tools, the models' cards.
 */
import type { Tool } from "../messages.js";
import { BufferedReader, DeepseekReader, deepseekSeparator, MistralReader, TaggedReader } from "./call-readers.js";
import type { CallReader, ParsedCall } from "./events.js";
import { callsFromJson, JsonCallsReader } from "./json-calls.js";
import { parseGemmaCalls, parsePythonCalls } from "./literals.js";
import { gemmaClose, gemmaQuote, gemmaText, pythonKey, pythonText, spacedText } from "./written-values.js";
import { XmlReader } from "./xml-calls.js";

export interface ToolFormat {
  readonly name: string;
  /** Texts that open calls. */
  readonly opens: readonly string[];
  /** Texts that stand around calls, and are dropped. */
  readonly closes: readonly string[];
  /** Texts within calls that are control tokens in some vocabularies. */
  readonly inner?: readonly string[];
  /** Calls have no marker of their own: an answer that begins with a brace is held to be one. */
  readonly isBare?: true;
  /** Control tokens that end an answer after calls, beside the model's own. */
  readonly stops?: readonly string[];
  reader(open: string, tools: readonly Tool[]): CallReader;
  /** The calls as the model writes them, for conversations whose template has no form for them. */
  write(calls: readonly ParsedCall[]): string;
  /** The text with which a call of this tool, or of any, begins. */
  begin(tool: string | null): string;
}

export interface ReasoningFormat {
  readonly open: string;
  readonly close: string;
}

export interface AnswerFormat {
  readonly tools: ToolFormat;
  readonly reasoning: ReasoningFormat | null;
  /** Tags around the answer proper. */
  readonly wrappers: readonly string[];
}

/** All texts that a format looks for: where they are control tokens, the reader has to see them. */
export function markersOf({ tools, reasoning, wrappers }: AnswerFormat): string[] {
  const reasoningMarks = reasoning ? [reasoning.open, reasoning.close] : [];
  return [...tools.opens, ...tools.closes, ...(tools.inner ?? []), ...reasoningMarks, ...wrappers];
}

const object = (call: ParsedCall, key = "arguments"): string =>
  `{"name": ${JSON.stringify(call.name)}, "${key}": ${spacedText(call.arguments)}}`;

const beginObject = (tool: string | null, key = "arguments"): string =>
  tool === null ? '{"name":' : `{"name": ${JSON.stringify(tool)}, "${key}":`;

export const hermes: ToolFormat = {
  name: "hermes",
  opens: ["<tool_call>"],
  closes: ["</tool_call>"],
  reader: (_, tools) => new TaggedReader(tools),
  write: (calls) => calls.map((call) => `<tool_call>\n${object(call)}\n</tool_call>`).join("\n"),
  begin: (tool) => `<tool_call>\n${beginObject(tool)}`,
};

const xml: ToolFormat = {
  name: "xml",
  opens: ["<tool_call>", "<function="],
  closes: ["</tool_call>"],
  reader: (open, tools) => (open === "<function=" ? new XmlReader(tools, open) : new TaggedReader(tools)),
  write: (calls) =>
    calls
      .map(({ name, arguments: args }) => {
        const parameters = Object.entries(args).map(
          ([key, value]) =>
            `<parameter=${key}>\n${typeof value === "string" ? value : spacedText(value)}\n</parameter>\n`,
        );
        return `<tool_call>\n<function=${name}>\n${parameters.join("")}</function>\n</tool_call>`;
      })
      .join("\n"),
  begin: (tool) => `<tool_call>\n<function=${tool === null ? "" : `${tool}>\n`}`,
};

const llama: ToolFormat = {
  name: "llama",
  opens: ["<|python_tag|>"],
  closes: [],
  isBare: true,
  reader: (_, tools) => new JsonCallsReader({ onlyTools: new Set(tools.map(({ name }) => name)) }),
  write: (calls) => calls.map((call) => object(call, "parameters")).join("; "),
  begin: (tool) => beginObject(tool, "parameters"),
};

const mistral: ToolFormat = {
  name: "mistral",
  opens: ["[TOOL_CALLS]"],
  closes: [],
  inner: ["[ARGS]", "[CALL_ID]"],
  reader: () => new MistralReader(),
  write: (calls) => calls.map((call) => `[TOOL_CALLS]${call.name}[ARGS]${spacedText(call.arguments)}`).join(""),
  begin: (tool) => `[TOOL_CALLS]${tool === null ? "" : `${tool}[ARGS]`}`,
};

const mistralList: ToolFormat = {
  ...mistral,
  name: "mistral-list",
  write: (calls) => `[TOOL_CALLS][${calls.map((call) => object(call)).join(", ")}]`,
  begin: (tool) => `[TOOL_CALLS][${beginObject(tool)}`,
};

/** Granite 3 and Phi-4. */
const list: ToolFormat = {
  name: "list",
  opens: ["<|tool_call|>", "<tool_call>"],
  closes: ["<|/tool_call|>", "</tool_call>"],
  reader: () => new JsonCallsReader(),
  write: (calls) => `<|tool_call|>[${calls.map((call) => object(call)).join(", ")}]`,
  begin: (tool) => `<|tool_call|>[${beginObject(tool)}`,
};

const lfm: ToolFormat = {
  name: "lfm",
  opens: ["<|tool_call_start|>"],
  closes: ["<|tool_call_end|>"],
  reader: () => new BufferedReader("<|tool_call_end|>", (body) => parsePythonCalls(body) ?? callsFromJson(body)),
  write: (calls) => `<|tool_call_start|>[${calls.map(pythonCall).join(", ")}]<|tool_call_end|>`,
  begin: (tool) => `<|tool_call_start|>[${tool === null ? "" : `${tool}(`}`,
};

function pythonCall({ name, arguments: args }: ParsedCall): string {
  return `${name}(${Object.entries(args)
    .map(([key, value]) => `${pythonKey(key)}=${pythonText(value)}`)
    .join(", ")})`;
}

const gemma: ToolFormat = {
  name: "gemma",
  opens: ["<|tool_call>"],
  closes: [gemmaClose],
  inner: [gemmaQuote],
  stops: ["<|tool_response>"],
  reader: () => new BufferedReader(gemmaClose, parseGemmaCalls),
  write: (calls) =>
    calls.map((call) => `<|tool_call>call:${call.name}${gemmaText(call.arguments)}<tool_call|>`).join(""),
  begin: (tool) => `<|tool_call>call:${tool === null ? "" : `${tool}{`}`,
};

const deepseek: ToolFormat = {
  name: "deepseek",
  opens: ["<｜tool▁call▁begin｜>"],
  closes: ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>", "```<｜tool▁call▁end｜>"],
  inner: [deepseekSeparator],
  reader: () => new DeepseekReader(),
  write: (calls) => {
    const each = calls.map(
      (call) =>
        `<｜tool▁call▁begin｜>function${deepseekSeparator}${call.name}\n` +
        `\`\`\`json\n${spacedText(call.arguments)}\n\`\`\`<｜tool▁call▁end｜>`,
    );
    return `<｜tool▁calls▁begin｜>${each.join("\n")}<｜tool▁calls▁end｜>`;
  },
  begin: (tool) =>
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function${deepseekSeparator}${tool === null ? "" : `${tool}\n\`\`\`json\n`}`,
};

/** By what the template says; of several the first. */
const toolFormats: readonly (readonly [pattern: RegExp, format: ToolFormat])[] = [
  [/<\|tool_call>/, gemma],
  [/\[TOOL_CALLS\][\s\S]*\[ARGS\]/, mistral],
  [/\[TOOL_CALLS\]/, mistralList],
  [/<function=/, xml],
  [/<tool_call>/, hermes],
  [/<｜tool▁calls?▁begin｜>/, deepseek],
  [/<\|tool_call\|>|<\|tool\|>/, list],
  [/<\|tool_call_start\|>|<\|tool_list_start\|>|List of tools: \[/, lfm],
  [/"parameters": |<\|python_tag\|>/, llama],
];

const reasoningFormats: readonly ReasoningFormat[] = [
  { open: "<|channel>thought", close: "<channel|>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>" },
  { open: "<think>", close: "</think>" },
];

/**
 * The format of a model's answers, from its template and its vocabulary's special tokens. A model that knows no form for
 * calls is told Hermes' (see tool-prompt.ts).
 */
export function detectFormat(template: string, specialTokens: readonly string[]): AnswerFormat {
  const vocabulary = specialTokens.join("\0");
  const tools = [template, vocabulary].map((text) => toolFormats.find(([pattern]) => pattern.test(text))?.[1]);
  const reasoning = reasoningFormats.find(({ open, close }) =>
    [template, vocabulary].some((text) => text.includes(open) || text.includes(close)),
  );
  return {
    tools: tools[0] ?? tools[1] ?? hermes,
    reasoning: reasoning ?? null,
    wrappers: template.includes("<response>") ? ["<response>", "</response>"] : [],
  };
}

const allFormats = new Set([hermes, ...toolFormats.map(([, format]) => format)]);

/** The names of all forms of calls that answers are read in. */
export const toolFormatNames: readonly string[] = [...allFormats].map(({ name }) => name);

/** The inverse of a tool format's `name`. */
export function toolFormatNamed(name: string): ToolFormat {
  const found = [...allFormats].find((format) => format.name === name);
  if (!found) throw new Error(`no tool format has the name ${name}`);
  return found;
}
