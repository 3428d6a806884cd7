/** Tells a client and the log that parts of a prompt were left out. It must not know protocols. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../base/logger.js";

/** Parts of the prompt, by kind. */
interface LeftOut {
  readonly turns: number;
  readonly toolResults: number;
  readonly tokens: number;
}

/** Never without a word: in a header that comes before the answer, and in the log. */
export function shortenedTeller(
  { id: requestId }: FastifyRequest,
  reply: FastifyReply,
  model: string,
  logger: Logger,
): (leftOut: LeftOut) => void {
  return (leftOut) => {
    const { turns, toolResults, tokens } = leftOut;
    const parts = [
      ...(turns > 0 ? [`turns=${turns}`] : []),
      ...(toolResults > 0 ? [`tool_results=${toolResults}`] : []),
      ...(tokens > 0 ? [`tokens=${tokens}`] : []),
    ];
    reply.header("x-hearth-left-out", parts.join(", "));
    logShortened(logger, { requestId, model }, leftOut);
  };
}

export function logShortened(logger: Logger, whose: Readonly<Record<string, string>>, leftOut: LeftOut): void {
  logger.warn({ ...whose, ...leftOut }, "a prompt was too long for the context: its oldest parts were left out");
}
