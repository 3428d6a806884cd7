/** Wire events as a stream of server-sent events (WHATWG HTML, section 9.2). */
import { settlesWithin } from "../../base/async.js";
import type { Clock } from "../../base/clock.js";
import type { ResponseEvent } from "./writer.js";

/** Proxies and clients give up on a stream that says nothing while a long prompt is read. */
export const heartbeatMs = 15_000;

/** The text of the stream. Comments keep it alive while there is no event; clients skip them. */
export async function* toServerSentEvents(
  events: AsyncGenerator<ResponseEvent>,
  { clock, intervalMs }: { clock: Clock; intervalMs: number },
): AsyncGenerator<string> {
  try {
    for (let next = events.next(); ; ) {
      if ((await settlesWithin(next, intervalMs, clock)) === "late") {
        yield ": still here\n\n";
        continue;
      }
      const { done, value } = await next;
      if (done) break;
      yield `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
      next = events.next();
    }
    yield "data: [DONE]\n\n";
  } finally {
    // Not awaited: it waits for the event that is under way, and the client is gone.
    void events.return(undefined);
  }
}
