/** Answers as lines of JSON. */
import type { FastifyRequest } from "fastify";
import type { Logger } from "../../base/logger.js";
import { isFault, toHearthError, wireError } from "../../net/errors.js";

/** Clients parse every line, so that what keeps a silent connection alive has to be a line of the answer's own kind. */
export const ndjson = { contentType: "application/x-ndjson", heartbeat: null } as const;

export const toLine = (value: object): string => `${JSON.stringify(value)}\n`;

export function toBody(thrown: unknown): { error: string } {
  return { error: wireError(toHearthError(thrown)).message };
}

/** What goes wrong within a stream is its last line. */
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
