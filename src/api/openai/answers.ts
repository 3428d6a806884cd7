/** Streams of OpenAI's completions share this: several answers at once, chunks, the last chunk, errors within a stream. */
import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { merge } from "../../base/merged-streams.js";
import { demandOf } from "../../net/demand.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";
import { shortenedTeller } from "../../net/shortened-notice.js";
import { closedSignal, eventStream, sendStream, started } from "../../net/streamed-answers.js";
import type { UnknownFields } from "../../net/unknown-fields.js";
import type { Generations } from "../../service/generation.js";
import { Stopwatch, type Timings } from "../../service/timings.js";
import type { GenerationEvent, GenerationRequest } from "../../service/types.js";
import { toTimings, toUsage } from "./usage.js";

export interface OpenAIDependencies {
  readonly generations: Generations;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A client that reads nothing for so long is cut off. */
  readonly idleMs: number;
}

export interface RouteDependencies extends OpenAIDependencies {
  readonly fields: UnknownFields;
}

/** Makes the chunks of one answer and, at the end, its choice. */
export interface AnswerWriter {
  take(event: GenerationEvent): readonly object[];
  readonly choice: object;
}

export interface AnswersRequest {
  /** The beginning of ids: `chatcmpl`. */
  readonly prefix: string;
  /** `object` of a chunk and of the whole. */
  readonly chunkObject: string;
  readonly object: string;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly serviceTier: string | null;
  /** Answers to each prompt; usage counts a prompt once. */
  readonly answersPerPrompt: number;
  toGenerations(signal: AbortSignal): readonly GenerationRequest[];
  writer(index: number): AnswerWriter;
}

interface Running {
  readonly writer: AnswerWriter;
  readonly stopwatch: Stopwatch;
}

/** Answers the request, whole or as server-sent events. */
export async function sendAnswers(
  request: FastifyRequest,
  reply: FastifyReply,
  answers: AnswersRequest,
  dependencies: OpenAIDependencies,
): Promise<unknown> {
  const { generations, clock } = dependencies;
  const head = {
    id: `${answers.prefix}-${randomBytes(16).toString("hex")}`,
    created: Math.floor(clock.wallTime() / 1000),
    model: answers.model,
  };
  const demand = demandOf(request.client, request.headers, answers.serviceTier);
  const onShortened = shortenedTeller(request, reply, answers.model, dependencies.logger);
  const asked = answers.toGenerations(closedSignal(reply)).map((each, index) => ({
    ...each,
    demand,
    ...(index === 0 && { onShortened }), // the others have the same prompt
  }));
  const running = asked.map(
    (_, index): Running => ({ writer: answers.writer(index), stopwatch: new Stopwatch(clock) }),
  );
  const events = await started(merge(asked.map((each) => generations.generate(each))));
  if (answers.stream) {
    const pieces = serialized(
      streamed(events, running, { ...head, object: answers.chunkObject }, answers),
      request,
      dependencies,
    );
    return sendStream(request, reply, pieces, { ...dependencies, ...eventStream });
  }
  for await (const { index, item } of events) take(running[index], item);
  const choices = running.map(({ writer }) => writer.choice);
  return { ...head, object: answers.object, choices, ...lastWords(running, answers.answersPerPrompt) };
}

async function* streamed(
  events: AsyncGenerator<{ index: number; item: GenerationEvent }>,
  running: readonly Running[],
  head: object,
  { includeUsage, answersPerPrompt }: AnswersRequest,
): AsyncGenerator<object> {
  const usage = includeUsage ? { usage: null } : {};
  for await (const { index, item } of events) {
    for (const choice of take(running[index], item)) {
      const isLast = item.type === "done" && running.every(({ stopwatch }) => stopwatch.timings !== null);
      const timings = isLast ? { timings: lastWords(running, answersPerPrompt).timings } : {};
      yield { ...head, choices: [choice], ...usage, ...timings };
    }
  }
  if (includeUsage) yield { ...head, choices: [], ...lastWords(running, answersPerPrompt) };
}

async function* serialized(
  chunks: AsyncGenerator<object>,
  { id: requestId }: FastifyRequest,
  { logger }: OpenAIDependencies,
): AsyncGenerator<string> {
  try {
    for await (const chunk of chunks) yield `data: ${JSON.stringify(chunk)}\n\n`;
    yield "data: [DONE]\n\n";
  } catch (thrown) {
    const error = toHearthError(thrown);
    if (isFault(error)) logger.error({ requestId, code: error.code, err: error }, "a stream failed");
    yield `data: ${JSON.stringify({ error: wireError(error) })}\n\n`;
  }
}

function take(running: Running | undefined, event: GenerationEvent): readonly object[] {
  running?.stopwatch.take(event);
  return running?.writer.take(event) ?? [];
}

function lastWords(running: readonly Running[], answersPerPrompt: number) {
  const timings = running.map(({ stopwatch }) => stopwatch.timings).filter((each): each is Timings => each !== null);
  const prompts = Array.from({ length: Math.ceil(timings.length / answersPerPrompt) }, (_, i) =>
    toUsage(timings.slice(i * answersPerPrompt, (i + 1) * answersPerPrompt).map(({ usage }) => usage)),
  );
  const [first, ...others] = prompts;
  const usage = others.reduce(addUsage, first ?? toUsage([]));
  const [longest] = [...timings].sort((a, b) => b.promptMs + b.generateMs - a.promptMs - a.generateMs);
  return { usage, ...(longest && { timings: toTimings(longest) }) };
}

function addUsage(a: ReturnType<typeof toUsage>, b: ReturnType<typeof toUsage>): ReturnType<typeof toUsage> {
  return {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
    prompt_tokens_details: {
      cached_tokens: a.prompt_tokens_details.cached_tokens + b.prompt_tokens_details.cached_tokens,
    },
    completion_tokens_details: {
      reasoning_tokens: a.completion_tokens_details.reasoning_tokens + b.completion_tokens_details.reasoning_tokens,
    },
  };
}
