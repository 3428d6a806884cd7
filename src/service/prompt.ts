/** The prompt of a request: with what the model's defaults put before it, and without what is too long where the client wants that. */
import { HearthError } from "../base/errors.js";
import type { Prompt, PromptOptions } from "../chat/prompt.js";
import { TruncatableConversation } from "./conversation-truncation.js";
import type { ServingModel } from "./serving-model.js";
import type { GenerationRequest, Message } from "./types.js";

/**
 * The share of the context that a whole conversation leaves for the answer at least: one that leaves less is shortened, even if its
 * request does not ask for that.
 */
const leastAnswerShare = 1 / 16;
/** The share of the context that a shortened prompt leaves for the answer at least, unless the answer is to be shorter. */
const answerShare = 1 / 4;

type PromptModel = Pick<ServingModel, "model" | "prompts" | "promptLimit" | "overflow" | "defaults">;
type Build = (messages: readonly Message[]) => Promise<Prompt>;

/** Throws CONTEXT_OVERFLOW, CHAT_TEMPLATE_FAILED, and REQUEST_UNSUPPORTED for tools together with a grammar. */
export async function buildPrompt(loaded: PromptModel, request: GenerationRequest): Promise<Prompt> {
  if (request.promptTokens) return ofTokens(loaded, request.promptTokens);
  const { prompts, promptLimit } = loaded;
  const options = promptOptions(request);
  const messages = withDefaults(loaded, request);
  const unchecked: Build = async (some) => {
    promptLimit.check(some);
    return prompts.build(some, options);
  };
  const build: Build = async (some) => {
    const prompt = await unchecked(some);
    promptLimit.checkTokens(prompt.tokens.length);
    return prompt;
  };
  const { truncation } = request;
  const overflow = truncation ? (truncation === "auto" ? "leave_out_turns" : "error") : loaded.overflow;
  const { contextTokens } = promptLimit;
  const without = (share: number) =>
    contextTokens - Math.min(request.maxTokens ?? contextTokens, Math.floor(contextTokens * share));
  const limit = without(answerShare);
  if (truncation === "auto" && request.raw) return cutText(loaded, request, messages, limit);
  if (overflow === "error" || request.raw) return build(messages);
  const most = without(leastAnswerShare);
  const conversation = new TruncatableConversation(messages, overflow);
  return shortened(request, conversation, build, { from: truncation === "auto" ? limit : most, limit, most });
}

function ofTokens({ prompts, promptLimit }: PromptModel, tokens: readonly number[]): Prompt {
  promptLimit.checkTokens(tokens.length);
  return prompts.ofTokens(tokens);
}

/** A raw text is the client's own from its first letter on. */
function withDefaults({ defaults }: PromptModel, { messages, raw }: GenerationRequest): readonly Message[] {
  if (raw || (defaults.system === "" && defaults.messages.length === 0)) return messages;
  const begin = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const head = begin < 0 ? messages : messages.slice(0, begin);
  const system = defaults.system === "" ? [] : [{ role: "system", content: defaults.system }];
  return [...(head.length > 0 ? head : system), ...defaults.messages, ...messages.slice(head.length)];
}

interface Room {
  /** More tokens are too many for a prompt to be left as it is. */
  readonly from: number;
  /** Tokens that a shortened one is to have at most. */
  readonly limit: number;
  /** At most in any case. */
  readonly most: number;
}

/** Leaves out as little as it takes, and then up to a step that later requests will stop at, too. */
async function shortened(
  request: GenerationRequest,
  conversation: TruncatableConversation,
  build: Build,
  { from, limit, most }: Room,
): Promise<Prompt> {
  const { steps } = conversation;
  const { messages } = conversation.at(0);
  if (steps === 0) return build(messages);
  const tried = (step: number) => build(conversation.at(step).messages).catch(ignoreOverflow);
  const whole = await tried(0);
  if (whole && whole.tokens.length <= from) return whole;
  const least = await tried(steps);
  const leastTokens = least?.tokens.length ?? most;
  // Where so much cannot be left out, half of what can be: a request that comes soon after then still finds its prefix.
  const bound = leastTokens <= limit ? limit : Math.min(most, Math.ceil((leastTokens + most) / 2));
  if (whole && whole.tokens.length <= bound) return whole;
  let tooFew = 0;
  let enough = steps;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    const prompt = await tried(middle);
    if (prompt && prompt.tokens.length <= bound) enough = middle;
    else tooFew = middle;
  }
  const { messages: kept, leftOut } = conversation.at(conversation.roundUp(enough));
  const prompt = await build(kept);
  request.onShortened?.(leftOut);
  return prompt;
}

/** Keeps the end of a text that is to be continued. */
async function cutText(
  { model, prompts, promptLimit }: PromptModel,
  request: GenerationRequest,
  messages: readonly Message[],
  limit: number,
): Promise<Prompt> {
  const text = messages.map(({ content }) => content).join("");
  const content = text.slice(-promptLimit.mostCharacters);
  const prompt = await prompts.build([{ role: "user", content }], { raw: true });
  const { tokens } = prompt;
  if (tokens.length <= promptLimit.contextTokens) return prompt;
  const { bos, addBos } = model.info.tokenizer;
  const head = addBos && tokens[0] === bos ? 1 : 0;
  const kept = new Int32Array(limit);
  kept.set(tokens.subarray(0, head));
  kept.set(tokens.subarray(tokens.length - (limit - head)), head);
  request.onShortened?.({ turns: 0, toolResults: 0, tokens: tokens.length - limit });
  return { ...prompt, tokens: kept };
}

function ignoreOverflow(error: unknown): null {
  if (error instanceof HearthError && error.code === "CONTEXT_OVERFLOW") return null;
  throw error;
}

function promptOptions(request: GenerationRequest): PromptOptions {
  const { raw = false, tools = [], toolChoice = "auto", reasoningEffort, format } = request;
  const withoutReasoning = format !== undefined && format.type !== "text";
  if (format?.type === "grammar" && tools.length > 0 && toolChoice !== "none") {
    const message = "This server does not support tools together with a grammar.";
    throw new HearthError("REQUEST_UNSUPPORTED", message, { param: "tools" });
  }
  // The names by which published templates know the switch.
  const thinks = reasoningEffort !== "none";
  const variables = reasoningEffort
    ? { enable_thinking: thinks, thinking: thinks, reasoning_effort: reasoningEffort }
    : {};
  return { raw, tools, toolChoice, variables: withoutReasoning ? {} : variables, withoutReasoning };
}
