/** Answers as lines of JSON. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";
import { sendStream, started } from "../../net/streamed-answers.js";

/** Clients parse every line, so that what keeps a silent connection alive has to be a line of the answer's own kind. */
export const ndjson = { contentType: "application/x-ndjson", heartbeat: null } as const;

export const toLine = (value: object): string => `${JSON.stringify(value)}\n`;

export function toBody(thrown: unknown): { error: string } {
  return { error: wireError(toHearthError(thrown)).message };
}

/** An error within a stream becomes its last line. */
export async function* serialized(
  lines: AsyncGenerator<object>,
  { id: requestId }: FastifyRequest,
  { logger }: { readonly logger: Logger },
): AsyncGenerator<string> {
  try {
    for await (const line of lines) yield toLine(line);
  } catch (thrown) {
    const error = toHearthError(thrown);
    if (isFault(error)) logger.error({ requestId, code: error.code, err: error }, "a stream failed");
    yield toLine(toBody(error));
  }
}

interface LineDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly idleMs: number;
}

/** Progress as lines, or its last line alone. */
export async function sendLines(
  request: FastifyRequest,
  reply: FastifyReply,
  lines: AsyncGenerator<object>,
  stream: boolean,
  dependencies: LineDependencies,
): Promise<unknown> {
  if (stream) {
    const pieces = serialized(await started(lines), request, dependencies);
    return sendStream(request, reply, pieces, { ...dependencies, ...ndjson });
  }
  let last: object = {};
  for await (const line of lines) last = line;
  return last;
}
