/**
 * A conversation to the tokens of a prompt: through the model's chat template, or as plain text to be continued where the
 * model has none. Special tokens are read in the template's own text and never in a user's (see shield.ts).
 */
import { HearthError } from "../base/errors.js";
import type { Model } from "../engine/contract.js";
import type { Message, Tool, ToolCall } from "./messages.js";
import { chooseMark, Shield } from "./shield.js";
import { ChatTemplate } from "./template.js";
import { Tokenizer } from "./tokenizer.js";

export interface Prompt {
  readonly tokens: Int32Array;
  /** The answer begins a text of its own (see Detokenizer) and does not continue one. */
  readonly startsText: boolean;
}

export interface PromptOptions {
  readonly tools?: readonly Tool[];
  /** End with the header of the assistant's answer. */
  readonly addGenerationPrompt?: boolean;
  /** Continue the texts as they are, also where the model has a chat template. */
  readonly raw?: boolean;
  /** More variables for the template, as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export class PromptBuilder {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate | null;
  readonly #shield: Shield;

  /** Throws TOKENIZER_UNSUPPORTED, or CHAT_TEMPLATE_FAILED if the model's template cannot be parsed. */
  constructor(model: Model, tokenizer: Tokenizer = new Tokenizer(model)) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#template = model.info.chatTemplate === null ? null : new ChatTemplate(model.info.chatTemplate);
    this.#shield = new Shield(tokenizer.info.specialTokens);
  }

  get hasTemplate(): boolean {
    return this.#template !== null;
  }

  /** Rejects with CHAT_TEMPLATE_FAILED, REQUEST_INVALID or CONTEXT_OVERFLOW. */
  async build(messages: readonly Message[], options: PromptOptions = {}): Promise<Prompt> {
    const template = options.raw ? null : this.#template;
    const prompt = template ? await this.#render(template, messages, options) : await this.#continue(messages, options);
    if (prompt.tokens.length > 0) return prompt;
    // An engine needs a token to predict the next one from.
    const { bos } = this.#tokenizer.info;
    if (bos === null) throw new HearthError("REQUEST_INVALID", "The prompt is empty.", { param: "input" });
    return { tokens: Int32Array.of(bos), startsText: true };
  }

  async #continue(messages: readonly Message[], options: PromptOptions): Promise<Prompt> {
    if (options.tools?.length) {
      const message = "The model has no chat template, so that it cannot be told of tools.";
      throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "tools" });
    }
    // Nothing between them: a turn that goes on from an answer continues that very text.
    const text = messages.map((message) => message.content).join("");
    const tokens = await this.#tokenizer.encode(text, { addSpecial: true, parseSpecial: false });
    return { tokens, startsText: text === "" };
  }

  async #render(template: ChatTemplate, messages: readonly Message[], options: PromptOptions): Promise<Prompt> {
    const { conversation, mark } = this.#shielded(template, {
      ...options.variables,
      messages: messages.map((message) => templateMessage(message, template.source)),
      ...(options.tools?.length ? { tools: options.tools.map(templateTool) } : {}),
    });
    const { bos, eos } = this.#tokenizer.info;
    const text = template.render({
      ...conversation,
      add_generation_prompt: options.addGenerationPrompt ?? true,
      bos_token: this.#textOf(bos),
      eos_token: this.#textOf(eos),
    });
    const tokens = await this.#tokenizer.encode(text, { addSpecial: false, parseSpecial: true, mark });
    return { tokens: this.#withBos(tokens), startsText: true };
  }

  #shielded<T>(template: ChatTemplate, conversation: T): { conversation: T; mark: string } {
    try {
      const mark = chooseMark([template.source, JSON.stringify(conversation)]);
      if (mark !== null) return { conversation: this.#shield.apply(conversation, mark), mark };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // the stack's end, or a string of 512 MiB
      throw new HearthError("REQUEST_INVALID", "The input is nested too deeply or too long.", { cause: error });
    }
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

  #textOf(token: number | null): string {
    return token === null ? "" : new TextDecoder().decode(this.#model.decode(Int32Array.of(token), true));
  }
}

/** The form that published templates read: OpenAI's chat messages, with arguments parsed. */
function templateMessage(message: Message, template: string): Record<string, unknown> {
  // Most templates know no developer; it is the newer name of the system.
  const role = message.role === "developer" && !template.includes("developer") ? "system" : message.role;
  return {
    role,
    content: message.content,
    ...(message.reasoning === undefined ? {} : { reasoning_content: message.reasoning }),
    ...(message.toolCalls?.length ? { tool_calls: message.toolCalls.map(templateCall) } : {}),
    ...(message.toolCallId === undefined ? {} : { tool_call_id: message.toolCallId }),
    ...(message.toolName === undefined ? {} : { name: message.toolName }),
  };
}

function templateCall(call: ToolCall): Record<string, unknown> {
  return { id: call.id, type: "function", function: { name: call.name, arguments: parsedArguments(call.arguments) } };
}

function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // the model wrote no JSON then; it is to see what it wrote
  }
}

function templateTool({ name, description, parameters }: Tool): Record<string, unknown> {
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}
