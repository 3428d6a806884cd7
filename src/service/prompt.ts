/** The prompt of a request: as it is, or without its oldest turns where the client asked for that and the context is short. */
import { HearthError } from "../base/errors.js";
import type { Prompt, PromptOptions } from "../chat/prompt.js";
import type { LoadedModel } from "./model-host.js";
import type { GenerationRequest, Message } from "./types.js";

/** Of the context, what a shortened prompt leaves for the answer at least, unless the answer is to be shorter. */
const answerShare = 1 / 4;

type PromptModel = Pick<LoadedModel, "prompts" | "promptLimit" | "scheduler">;

/** Throws CONTEXT_OVERFLOW, CHAT_TEMPLATE_FAILED, and REQUEST_UNSUPPORTED for tools together with a grammar. */
export async function buildPrompt(loaded: PromptModel, request: GenerationRequest): Promise<Prompt> {
  if (request.promptTokens) return loaded.prompts.ofTokens(request.promptTokens);
  const options = promptOptions(request);
  const build = async (messages: readonly Message[]) => {
    loaded.promptLimit.check(messages);
    return loaded.prompts.build(messages, options);
  };
  if (request.truncation !== "auto") return build(request.messages);
  const { contextTokens } = loaded.scheduler;
  const room = Math.min(request.maxTokens ?? contextTokens, Math.floor(contextTokens * answerShare));
  return shortened(request.messages, build, contextTokens - room);
}

/**
 * Leaves out the oldest turns, as few as it takes, and then up to a whole number of steps: so the next request of the
 * conversation mostly leaves out the same ones, and finds its prefix in the KV cache. System messages and the newest turn stay.
 */
async function shortened(
  messages: readonly Message[],
  build: (messages: readonly Message[]) => Promise<Prompt>,
  limit: number,
): Promise<Prompt> {
  const { head, turns } = splitTurns(messages);
  const without = (dropped: number) => build([...head, ...turns.slice(dropped).flat()]);
  const fits = async (dropped: number) => {
    const prompt = await without(dropped).catch(ignoreOverflow);
    return prompt !== null && prompt.tokens.length <= limit;
  };
  const newest = Math.max(turns.length - 1, 0);
  if (newest === 0 || (await fits(0))) return without(0);
  let tooFew = 0;
  let enough = newest;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (await fits(middle)) enough = middle;
    else tooFew = middle;
  }
  const step = 2 ** Math.floor(Math.log2(Math.max(1, (turns.length - enough) / 4)));
  return without(Math.min(newest, Math.ceil(enough / step) * step));
}

/** The system messages that begin a conversation, and its turns: each begins with what the user says. */
function splitTurns(messages: readonly Message[]): {
  head: readonly Message[];
  turns: readonly (readonly Message[])[];
} {
  const isHead = ({ role }: Message) => role === "system" || role === "developer";
  const begin = messages.findIndex((message) => !isHead(message));
  const turns: Message[][] = [];
  for (const message of begin < 0 ? [] : messages.slice(begin)) {
    if (message.role === "user" || turns.length === 0) turns.push([]);
    turns.at(-1)?.push(message);
  }
  return { head: begin < 0 ? messages : messages.slice(0, begin), turns };
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
