/** A generation as OpenAI's older protocols ask for it, and their chunks as events. Pure; the network is client.ts. */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import type {
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  Message,
  OutputFormat,
  TokenScore,
  Usage,
} from "../types.js";

export interface UpstreamRequest {
  readonly path: "/chat/completions" | "/completions";
  readonly body: object;
}

/** `model`: as the upstream names it. REQUEST_UNSUPPORTED for what those protocols cannot say. */
export function toUpstream(request: GenerationRequest, model: string): UpstreamRequest {
  const { sampling, maxTokens, stop, topLogprobs, cacheKey, generate } = request;
  const shared = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    ...defined({
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_k: sampling.topK,
      min_p: sampling.minP,
      presence_penalty: sampling.presencePenalty,
      frequency_penalty: sampling.frequencyPenalty,
      repeat_penalty: sampling.repetitionPenalty,
      seed: sampling.seed,
      logit_bias: sampling.logitBias && Object.fromEntries(sampling.logitBias),
      max_tokens: generate ? (maxTokens ?? undefined) : 1,
      stop: stop.length > 0 ? stop : undefined,
      user: cacheKey ?? undefined,
    }),
  };
  if (request.raw) {
    const prompt = request.promptTokens ?? request.messages.map(({ content }) => content).join("");
    return { path: "/completions", body: { ...shared, prompt, ...defined({ logprobs: topLogprobs }) } };
  }
  const logprobs = topLogprobs === undefined ? {} : { logprobs: true, top_logprobs: topLogprobs };
  const body = { ...shared, messages: request.messages.map(toMessage), ...toolFields(request), ...logprobs };
  return {
    path: "/chat/completions",
    body: {
      ...body,
      ...defined({ reasoning_effort: request.reasoningEffort ?? undefined, response_format: toFormat(request.format) }),
    },
  };
}

function toMessage({ role, content, toolCalls, toolCallId }: Message): object {
  if (role === "tool") return { role, content, tool_call_id: toolCallId };
  // Not all servers know the newer name.
  if (role !== "assistant") return { role: role === "developer" ? "system" : role, content };
  const calls = toolCalls?.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: call.arguments },
  }));
  return { role, content, ...defined({ tool_calls: calls }) };
}

function toolFields({ tools = [], toolChoice = "auto", parallelToolCalls = true }: GenerationRequest): object {
  if (tools.length === 0) return {};
  return {
    tools: tools.map((tool) => ({ type: "function", function: tool })),
    tool_choice: typeof toolChoice === "string" ? toolChoice : { type: "function", function: toolChoice },
    ...(parallelToolCalls ? {} : { parallel_tool_calls: false }),
  };
}

function toFormat(format: OutputFormat | undefined): object | undefined {
  switch (format?.type) {
    case "json_object":
      return { type: "json_object" };
    case "json_schema":
      return {
        type: "json_schema",
        json_schema: { name: "answer", schema: format.schema, strict: format.strict },
      };
    case "choice":
    case "pattern":
    case "grammar":
      throw new HearthError("REQUEST_UNSUPPORTED", "The server of this model takes no grammars.", { param: "text" });
    default:
      return undefined;
  }
}

/** Without the fields that say nothing. */
function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const count = z.int().min(0);
const scoreSchema = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullish() });
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        text: z.string().nullish(),
        delta: z
          .object({
            content: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: count.nullish(),
                  id: z.string().max(256).nullish(),
                  function: z.object({ name: z.string().max(256).nullish(), arguments: z.string().nullish() }),
                }),
              )
              .nullish(),
          })
          .nullish(),
        logprobs: z
          .object({
            content: z.array(scoreSchema.extend({ top_logprobs: z.array(scoreSchema).nullish() })).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z
    .object({
      prompt_tokens: count.nullish(),
      completion_tokens: count.nullish(),
      prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish(),
      completion_tokens_details: z.object({ reasoning_tokens: count.nullish() }).nullish(),
    })
    .nullish(),
  error: z.union([z.string(), z.looseObject({ message: z.string() })]).nullish(),
});
type Chunk = z.infer<typeof chunkSchema>;
type Choice = NonNullable<Chunk["choices"]>[number];
type CallDelta = NonNullable<NonNullable<Choice["delta"]>["tool_calls"]>[number];

/** Reads the chunks of one answer. Throws UPSTREAM_BAD_RESPONSE for what is none, and UPSTREAM_FAILED for an error within. */
export class ChunkReader {
  #started = false;
  #call: { index: number; arguments: string } | null = null;
  #calls = 0;
  #reason: FinishReason | null = null;
  #pieces = 0;
  #usage: Usage | null = null;

  take(data: unknown): GenerationEvent[] {
    const parsed = chunkSchema.safeParse(data);
    if (!parsed.success) throw new HearthError("UPSTREAM_BAD_RESPONSE", "A piece of its answer has another form.");
    const { choices, usage, error } = parsed.data;
    if (error) {
      const message = typeof error === "string" ? error : error.message;
      throw new HearthError("UPSTREAM_FAILED", `It broke off: ${message.slice(0, 200)}.`);
    }
    if (usage) this.#usage = toUsage(usage);
    const [choice] = choices ?? [];
    return choice ? this.#choice(choice) : [];
  }

  /** The last event. UPSTREAM_BAD_RESPONSE where the stream ended before the answer did. */
  end(): GenerationEvent[] {
    if (this.#reason === null) throw new HearthError("UPSTREAM_BAD_RESPONSE", "Its answer broke off.");
    const unknown = { promptTokens: 0, cachedTokens: 0, generatedTokens: this.#pieces, reasoningTokens: 0 };
    return [{ type: "done", reason: this.#reason, usage: this.#usage ?? unknown }];
  }

  #choice({ delta, text, logprobs, finish_reason: finish }: Choice): GenerationEvent[] {
    const events: GenerationEvent[] = [];
    const content = delta?.content ?? text;
    const reasoning = delta?.reasoning_content ?? delta?.reasoning;
    const calls = delta?.tool_calls ?? [];
    if (!this.#started && (content || reasoning || calls.length > 0 || finish)) {
      this.#started = true;
      events.push({ type: "started" });
    }
    for (const { top_logprobs: top, ...token } of logprobs?.content ?? []) {
      const score = { token: toScore(token), top: (top ?? []).map(toScore) };
      events.push({ type: "token", id: null, score });
    }
    if (reasoning || content || calls.length > 0) this.#pieces++;
    if (reasoning) events.push(...this.#closeCall(), { type: "reasoning", text: reasoning });
    if (content) events.push(...this.#closeCall(), { type: "text", text: content });
    for (const call of calls) events.push(...this.#toolCall(call));
    if (finish) {
      this.#reason = finish === "length" ? "length" : "stop";
      events.push(...this.#closeCall());
    }
    return events;
  }

  /** Calls come one after the other, each piece with its call's index; the first piece has the name. */
  #toolCall({ index, id, function: { name, arguments: text } }: CallDelta): GenerationEvent[] {
    const events: GenerationEvent[] = [];
    const at = index ?? this.#call?.index ?? 0;
    if (this.#call?.index !== at) {
      if (!name || at < this.#calls) {
        throw new HearthError("UPSTREAM_BAD_RESPONSE", "It mixes the pieces of several tool calls.");
      }
      events.push(...this.#closeCall());
      this.#call = { index: at, arguments: "" };
      this.#calls = at + 1;
      events.push({ type: "call", id: id || `call_${at}`, name });
    }
    if (text) {
      this.#call.arguments += text;
      events.push({ type: "arguments", text });
    }
    return events;
  }

  #closeCall(): GenerationEvent[] {
    const call = this.#call;
    if (!call) return [];
    this.#call = null;
    return [{ type: "callEnd", complete: isJson(call.arguments) }];
  }
}

function toScore({ token, logprob, bytes }: z.infer<typeof scoreSchema>): TokenScore {
  return { bytes: bytes ? Uint8Array.from(bytes) : new TextEncoder().encode(token), logprob };
}

function toUsage(usage: NonNullable<Chunk["usage"]>): Usage {
  return {
    promptTokens: usage.prompt_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    generatedTokens: usage.completion_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
