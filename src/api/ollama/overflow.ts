/**
 * A prompt that does not fit, told in words where an answer is streamed. Ollama itself never refuses one there: it cuts the
 * prompt anywhere, tools and rules included, and clients do not expect a refusal (Home Assistant's calls it an unexpected error
 * and says nothing of it to its user). The words come as the answer, and a header tells programs what they are.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { wireError } from "../../net/errors.js";
import type { GenerationEvent } from "../../service/types.js";
import type { ChatRequest } from "./schema.js";

/** Clients that ask for a form, for the whole answer at once, or for no cutting, read errors. */
export function readsErrors({
  stream,
  truncate,
  format,
}: Pick<ChatRequest, "stream" | "truncate" | "format">): boolean {
  return stream === false || truncate === false || Boolean(format);
}

/** The events of an answer that says what did not fit; throws any other error. */
export function overflowInWords(
  thrown: unknown,
  { id: requestId }: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): AsyncGenerator<GenerationEvent> {
  if (!(thrown instanceof HearthError) || thrown.code !== "CONTEXT_OVERFLOW") throw thrown;
  const { message, code } = wireError(thrown);
  logger.warn(
    { requestId, err: thrown },
    "a prompt does not fit into the context, and its client was told so in words",
  );
  reply.header("x-hearth-error", code);
  return said(message);
}

async function* said(text: string): AsyncGenerator<GenerationEvent> {
  yield { type: "text", text };
  const usage = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0, reasoningTokens: 0 };
  yield { type: "done", reason: "length", usage };
}
