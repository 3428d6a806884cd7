/** The routes that answer: chat, generate, embed. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { demandOf } from "../../net/demand.js";
import { shortenedTeller } from "../../net/shortened-notice.js";
import { closedSignal, sendStream, started } from "../../net/streamed-answers.js";
import { parseAt } from "../../net/validate.js";
import type { EmbeddingRequest, GenerationEvent, GenerationRequest } from "../../service/types.js";
import { overflowInWords, readsErrors } from "./overflow.js";
import { toChat, toGenerate } from "./request.js";
import {
  type ChatRequest,
  chatSchema,
  embeddingsSchema,
  embedSchema,
  type GenerateRequest,
  generateSchema,
  refuseUnsupported,
  toKeepAliveMs,
} from "./schema.js";
import type { ApiScope } from "./scope.js";
import { ndjson, serialized, toLine } from "./stream.js";
import { AnswerWriter, chatForm, type Form, generateForm, nanoseconds } from "./writer.js";

export function routeAnswers(scope: ApiScope): void {
  const { app } = scope;
  app.post(
    "/api/chat",
    { config: { api: { summary: "Answers a conversation", body: chatSchema } } },
    async (request, reply) => {
      const body = parseAt(chatSchema, request.body, "");
      refuseUnsupported(body);
      if (!body.messages?.length) return load(scope, reply, body, chatForm);
      const onError = (error: unknown) => {
        if (readsErrors(body)) throw error;
        return overflowInWords(error, request, reply, scope.dependencies.logger);
      };
      return answer(scope, request, reply, body, chatForm, (model, signal) => toChat(body, model, signal), onError);
    },
  );
  app.post(
    "/api/generate",
    { config: { api: { summary: "Answers a prompt", body: generateSchema } } },
    async (request, reply) => {
      const body = parseAt(generateSchema, request.body, "");
      refuseUnsupported(body);
      if (!body.prompt) return load(scope, reply, body, generateForm);
      return answer(scope, request, reply, body, generateForm, (model, signal) => toGenerate(body, model, signal));
    },
  );
  app.post(
    "/api/embed",
    { config: { api: { summary: "Texts as vectors", body: embedSchema } } },
    async (request, reply) => {
      const { model, input, dimensions, truncate } = parseAt(embedSchema, request.body, "");
      const { vectors, promptTokens, totalMs } = await embed(scope, request, reply, model, {
        inputs: typeof input === "string" ? [input] : input,
        truncate: truncate !== false,
        inputField: "input",
        ...(dimensions && { dimensions }),
      });
      return {
        model,
        embeddings: vectors,
        total_duration: nanoseconds(totalMs),
        load_duration: 0,
        prompt_eval_count: promptTokens,
      };
    },
  );
  app.post(
    "/api/embeddings",
    { config: { api: { summary: "A text as a vector", body: embeddingsSchema } } },
    async (request, reply) => {
      const { model, prompt, truncate } = parseAt(embeddingsSchema, request.body, "");
      const texts = { inputs: [prompt], truncate: truncate !== false, inputField: "prompt" };
      const { vectors } = await embed(scope, request, reply, model, texts);
      return { embedding: vectors[0] ?? [] };
    },
  );
}

/** Nothing is asked: the client wants the model to be loaded, or to go. */
async function load(
  { models, dependencies }: ApiScope,
  reply: FastifyReply,
  { model, keep_alive: keepAlive }: ChatRequest | GenerateRequest,
  form: Form,
): Promise<object> {
  const keepAliveMs = toKeepAliveMs(keepAlive);
  if (keepAliveMs === 0) await models.unload(model);
  else await models.load(model, closedSignal(reply), keepAliveMs);
  const created = new Date(dependencies.clock.wallTime()).toISOString();
  const reason = keepAliveMs === 0 ? "unload" : "load";
  return { model, created_at: created, ...form([]), done: true, done_reason: reason };
}

async function answer(
  { models, dependencies, contextNotice }: ApiScope,
  request: FastifyRequest,
  reply: FastifyReply,
  { model, stream, options }: ChatRequest | GenerateRequest,
  form: Form,
  toGeneration: (model: string, signal: AbortSignal) => GenerationRequest,
  onError: (error: unknown) => AsyncGenerator<GenerationEvent> = rethrow,
): Promise<unknown> {
  const { generations, clock } = dependencies;
  const name = models.resolve(model);
  const generation = toGeneration(name, closedSignal(reply));
  if (options?.num_ctx) contextNotice.check(name, options.num_ctx, await models.contextLimits(name));
  const onShortened = shortenedTeller(request, reply, name, dependencies.logger);
  const demand = demandOf(request.client, request.headers);
  const writer = new AnswerWriter(model, form, clock);
  const events = await started(generations.generate({ ...generation, demand, onShortened })).catch(onError);
  if (stream !== false) {
    const pieces = serialized(chunks(events, writer), request, dependencies);
    return sendStream(request, reply, pieces, { ...dependencies, ...ndjson, heartbeat: () => toLine(writer.nothing) });
  }
  for await (const event of events) writer.take(event);
  return writer.whole;
}

function rethrow(error: unknown): never {
  throw error;
}

async function* chunks(events: AsyncGenerator<GenerationEvent>, writer: AnswerWriter): AsyncGenerator<object> {
  for await (const event of events) yield* writer.take(event);
}

interface Texts extends Pick<EmbeddingRequest, "truncate" | "inputField" | "dimensions"> {
  readonly inputs: readonly string[];
}

/** One text after the other: many of one client must not fill the queue for all. */
async function embed(
  { models, dependencies }: ApiScope,
  request: FastifyRequest,
  reply: FastifyReply,
  model: string,
  { inputs, ...how }: Texts,
) {
  const { generations, clock } = dependencies;
  const name = models.resolve(model);
  const signal = closedSignal(reply);
  const demand = demandOf(request.client, request.headers);
  const startedAt = clock.now();
  const vectors: number[][] = [];
  let promptTokens = 0;
  for (const input of inputs) {
    const embedding = await generations.embed({ model: name, input, ...how, signal, demand });
    promptTokens += embedding.promptTokens;
    vectors.push([...embedding.vector]);
  }
  return { vectors, promptTokens, totalMs: clock.now() - startedAt };
}
