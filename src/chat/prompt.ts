/**
 * A conversation to the tokens of a prompt: through the model's chat template, or as plain text to be continued where the
 * model has none. Special tokens are read in the template's own text and never in a user's (see control-token-shield.ts).
 */
import { HearthError } from "../base/errors.js";
import type { Model } from "../engine/contract.js";
import { type AnswerFormat, markersOf } from "./answers/formats.js";
import { AnswerParser } from "./answers/parser.js";
import { chooseMark, Shield } from "./control-token-shield.js";
import { fitConversation, type TemplateMessage, templateMessage } from "./conversation.js";
import { type FallbackName, fallbackFor, fallbackTemplate } from "./fallback-templates.js";
import type { AnswerShape } from "./grammar/answer.js";
import type { Message, Tool, ToolChoice } from "./messages.js";
import { otherForms } from "./refused-conversations.js";
import { SpecialTokens } from "./special-tokens.js";
import { TemplateRefusal } from "./template.js";
import { formatOf } from "./template-orders.js";
import { inlineRenderer, type TemplateRenderer } from "./template-thread.js";
import type { TemplateTraits } from "./template-traits.js";
import { Tokenizer } from "./tokenizer.js";
import { ToolNames } from "./tool-names.js";
import { templateTool } from "./tool-prompt.js";

export interface Prompt {
  readonly tokens: Int32Array;
  /** The answer begins a text of its own (see Detokenizer) and does not continue one. */
  readonly startsText: boolean;
  /** Reads the answer; null where it is plain text. */
  readonly parser: AnswerParser | null;
  /** The names of the tools that the answer may call. */
  readonly toolNames: ToolNames;
  /** The parts that the answer may have. */
  readonly answer: Omit<AnswerShape, "format" | "several">;
}

export interface PromptOptions {
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  /** The answer comes without reasoning before it: it has to have a certain form from its first token on. */
  readonly withoutReasoning?: boolean;
  /** End with the header of the assistant's answer. */
  readonly addGenerationPrompt?: boolean;
  /** Continue the texts as they are, also where the model has a chat template. */
  readonly raw?: boolean;
  /** More variables for the template, as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface PromptBuilderOptions {
  /** Jinja, in place of the file's. */
  readonly template?: string | undefined;
  /** The substitute for a template that the file lacks: one of the families', none, or the one that the vocabulary suggests. */
  readonly fallback?: FallbackName | "auto" | "none";
  /** For templates that write the date. */
  readonly now?: () => Date;
  /** Runs templates; by default they run on the caller's thread. */
  readonly renderer?: TemplateRenderer;
}

/** A template and all that follows from it. */
interface Chat {
  readonly source: string;
  readonly traits: TemplateTraits;
  readonly format: AnswerFormat;
  /** The special tokens whose text stands in the source. */
  readonly written: ReadonlySet<string>;
}

export class PromptBuilder {
  /** Tokens that end an answer: the file's, the one that the template writes behind answers, and the format's. */
  readonly stopTokens: ReadonlySet<number>;
  /** Control tokens that the answer's parser has to see as text. */
  readonly visibleTokens: ReadonlySet<number>;
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #chat: Chat | null;
  readonly #renderer: TemplateRenderer;
  readonly #now: () => Date;
  readonly #shield: Shield;
  readonly #answerShield: Shield;

  /**
   * Rejects with TOKENIZER_UNSUPPORTED, or CHAT_TEMPLATE_FAILED if the model's template cannot be parsed or does not end within
   * its limits.
   */
  static async open(model: Model, tokenizer?: Tokenizer, options: PromptBuilderOptions = {}): Promise<PromptBuilder> {
    return new PromptBuilder(model, tokenizer ?? new Tokenizer(model), await openChat(model, options), options);
  }

  private constructor(model: Model, tokenizer: Tokenizer, chat: Chat | null, options: PromptBuilderOptions) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    const { specialTokens } = tokenizer.info;
    this.#renderer = options.renderer ?? inlineRenderer;
    this.#now = options.now ?? systemTime;
    this.#chat = chat;
    const { written, format } = chat ?? {};
    const markers = new Set(format ? markersOf(format) : []);
    // Tokens that are user-defined are read in all text; those that the template builds turns from are not the user's.
    const isControl = ({ control, text }: { control: boolean; text: string }) =>
      control || markers.has(text) || (isMarkup(text) && written?.has(text) === true);
    this.#shield = new Shield(specialTokens.filter(isControl).map((token) => ({ ...token, control: true })));
    // Earlier answers keep what the model wrote: templates look for the end of its reasoning in them.
    this.#answerShield = new Shield(specialTokens);
    this.stopTokens = new Set([...tokenizer.info.endOfGeneration, ...this.#ownStopTokens()]);
    this.visibleTokens = new Set(
      specialTokens.filter(({ id, text }) => markers.has(text) && !this.stopTokens.has(id)).map(({ id }) => id),
    );
  }

  get hasTemplate(): boolean {
    return this.#chat !== null;
  }

  /** Rejects with CHAT_TEMPLATE_FAILED, REQUEST_INVALID, REQUEST_UNSUPPORTED or CONTEXT_OVERFLOW. */
  async build(messages: readonly Message[], options: PromptOptions = {}): Promise<Prompt> {
    const chat = options.raw ? null : this.#chat;
    const prompt = chat ? await this.#render(chat, messages, options) : await this.#continue(messages, options);
    if (prompt.tokens.length > 0) return prompt;
    // An engine needs a token to predict the next one from.
    const { bos } = this.#tokenizer.info;
    if (bos === null) throw new HearthError("REQUEST_INVALID", "The prompt is empty.", { param: "input" });
    return { ...prompt, tokens: Int32Array.of(bos), startsText: true };
  }

  /** The tokens themselves as a prompt to be continued. TOKEN_OUT_OF_RANGE. */
  ofTokens(tokens: readonly number[]): Prompt {
    const { tokens: size, specialTokens } = this.#tokenizer.info;
    const strange = tokens.find((token) => token >= size);
    if (strange !== undefined) {
      throw new HearthError(
        "TOKEN_OUT_OF_RANGE",
        `The vocabulary has ${size} tokens, and the prompt names ${strange}.`,
        {
          param: "input",
        },
      );
    }
    return {
      tokens: Int32Array.from(tokens),
      startsText: false,
      parser: null,
      toolNames: noTools,
      answer: plainAnswer(specialTokens),
    };
  }

  async #continue(messages: readonly Message[], options: PromptOptions): Promise<Prompt> {
    if (options.tools?.length) {
      const message = "The model has no chat template, so that it cannot be told of tools.";
      throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "tools" });
    }
    // Nothing between them: a turn that goes on from an answer continues that very text.
    const text = messages.map((message) => message.content).join("");
    const tokens = await this.#tokenizer.encode(text, { addSpecial: true, parseSpecial: false });
    const { specialTokens } = this.#tokenizer.info;
    return { tokens, startsText: text === "", parser: null, toolNames: noTools, answer: plainAnswer(specialTokens) };
  }

  async #render(chat: Chat, messages: readonly Message[], options: PromptOptions): Promise<Prompt> {
    const { choice: named, tools: offered } = chosenTools(options);
    const toolNames = new ToolNames(offered, chat.traits.namespaces || !chat.traits.tools);
    const { tools } = toolNames;
    const choice = named === null ? null : toolNames.written(named);
    const withoutReasoning = choice !== null || options.withoutReasoning === true;
    const { text, mark } = await this.#text(chat, messages, offered, { ...options, withoutReasoning });
    const opensReasoning = endsOpen(text.replaceAll(mark, ""), chat.format);
    const { tools: format, reasoning } = chat.format;
    const closing = withoutReasoning && opensReasoning ? `${reasoning?.close ?? ""}\n\n` : "";
    const forced = closing + (choice === null ? "" : format.begin(choice === "" ? null : choice));
    const tokens = await this.#tokenizer.encode(text + forced, { addSpecial: false, parseSpecial: true, mark });
    const parser = new AnswerParser(chat.format, { tools, inReasoning: opensReasoning, onlyCalls: choice !== null });
    parser.push(forced);
    const answer = {
      tools,
      family: format,
      begun: choice,
      reasoning: withoutReasoning ? null : reasoning,
      inReasoning: parser.inReasoning,
      specialTokens: this.#tokenizer.info.specialTokens,
    };
    return { tokens: this.#withBos(tokens), startsText: forced === "", parser, toolNames, answer };
  }

  /** The template's text, with marks. */
  async #text(chat: Chat, messages: readonly Message[], tools: readonly Tool[], options: PromptOptions) {
    const { source, traits, format } = chat;
    const knowsDeveloper = source.includes("developer");
    const given = {
      messages: messages.map((message) => templateMessage(message, knowsDeveloper)),
      tools: tools.map(templateTool),
    };
    const mark = this.#chooseMark([source, given, options.variables]);
    const shielded = guarded(() => ({
      messages: given.messages.map((message) => this.#shieldOf(message.role).apply(message, mark)),
      tools: this.#shield.apply(given.tools, mark),
    }));
    const fitted = fitConversation(shielded.messages, shielded.tools, traits, format);
    const text = await this.#accepted(chat, fitted.messages, {
      ...(options.withoutReasoning ? { enable_thinking: false } : {}),
      ...options.variables,
      ...(fitted.tools.length > 0 ? { tools: fitted.tools } : {}),
      add_generation_prompt: options.addGenerationPrompt ?? true,
      ...tokenTexts(this.#model),
    });
    return { text, mark };
  }

  /** In the first form that the template takes; if it takes none, its refusal of the messages as they are. */
  async #accepted(
    { source, traits }: Chat,
    messages: readonly TemplateMessage[],
    variables: Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const render = async (form: readonly TemplateMessage[]): Promise<string | TemplateRefusal> => {
      const order = { source, now: this.#now().getTime(), variables: { ...variables, messages: form } };
      return this.#renderer.render(order).catch((error: unknown) => {
        if (error instanceof TemplateRefusal) return error;
        throw error;
      });
    };
    const result = await render(messages);
    if (typeof result === "string") return result;
    for (const form of otherForms(messages, traits.system)) {
      const text = await render(form);
      if (typeof text === "string") return text;
    }
    throw result;
  }

  #shieldOf(role: string): Shield {
    return role === "assistant" ? this.#answerShield : this.#shield;
  }

  #chooseMark(values: readonly unknown[]): string {
    const mark = guarded(() => chooseMark(values.map((value) => JSON.stringify(value) ?? "")));
    if (mark !== null) return mark;
    throw new HearthError("REQUEST_INVALID", "The input uses all noncharacters of Unicode.", { param: "input" });
  }

  /** Some templates write BOS and some leave it to the tokenizer; twice would be wrong. */
  #withBos(tokens: Int32Array): Int32Array {
    const { addBos, bos } = this.#tokenizer.info;
    if (!addBos || bos === null || tokens[0] === bos) return tokens;
    const result = new Int32Array(tokens.length + 1);
    result[0] = bos;
    result.set(tokens, 1);
    return result;
  }

  #ownStopTokens(): number[] {
    const { specialTokens, bos } = this.#tokenizer.info;
    if (!this.#chat) return [];
    const { traits, format } = this.#chat;
    const [next] = new SpecialTokens(specialTokens.filter(({ control }) => control)).split(
      traits.afterAnswer.trimStart(),
    );
    const stops = specialTokens.filter(({ text }) => format.tools.stops?.includes(text)).map(({ id }) => id);
    return typeof next === "number" && next !== bos ? [next, ...stops] : stops;
  }
}

const noTools = new ToolNames([], true);
const systemTime = (): Date => new Date();

/** The file's template or what stands in for it; null where there is none. */
async function openChat(model: Model, options: PromptBuilderOptions): Promise<Chat | null> {
  const { template, fallback = "auto", now = systemTime, renderer = inlineRenderer } = options;
  const { info } = model;
  const name = fallback === "auto" ? fallbackFor(info) : fallback === "none" ? null : fallback;
  const source = template ?? info.chatTemplate ?? (name === null ? null : fallbackTemplate(name));
  if (source === null) return null;
  const specialTexts = info.tokenizer.specialTokens.map(({ text }) => text);
  const order = { source, now: now().getTime(), tokens: tokenTexts(model), specialTexts };
  const { traits, format, written } = await renderer.open(order);
  return { source, traits, format: formatOf(format), written: new Set(written) };
}

function tokenTexts(model: Model): { bos_token: string; eos_token: string } {
  const { bos, eos } = model.info.tokenizer;
  const textOf = (token: number | null) =>
    token === null ? "" : new TextDecoder().decode(model.decode(Int32Array.of(token), true));
  return { bos_token: textOf(bos), eos_token: textOf(eos) };
}

/** The answer's shape where a raw text is continued. */
function plainAnswer(specialTokens: Prompt["answer"]["specialTokens"]): Prompt["answer"] {
  return { tools: [], family: null, begun: null, reasoning: null, inReasoning: false, specialTokens };
}

const isMarkup = (text: string): boolean => /^<.+>$|^\[.+\]$/s.test(text);

/** The tools that the model is told of, and the one it has to call: null for none, "" for any. */
function chosenTools({ tools = [], toolChoice = "auto" }: PromptOptions): {
  tools: readonly Tool[];
  choice: string | null;
} {
  if (toolChoice === "none" || tools.length === 0) return { tools: [], choice: null };
  if (toolChoice === "auto") return { tools, choice: null };
  return { tools, choice: toolChoice === "required" ? "" : toolChoice.name };
}

/** Whether the prompt ends within reasoning that the template has opened. */
function endsOpen(text: string, { reasoning }: AnswerFormat): boolean {
  return reasoning !== null && text.trimEnd().endsWith(reasoning.open);
}

/** Runs what overflows the stack for input nested too deeply, or makes a string of more than 512 MiB. */
function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HearthError("REQUEST_INVALID", "The input is nested too deeply or too long.", { cause: error });
  }
}
