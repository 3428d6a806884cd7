/** Wire events as a stream of server-sent events. */
import type { WireEvent } from "./event-log.js";

export async function* toServerSentEvents(events: AsyncIterable<WireEvent>): AsyncGenerator<string> {
  for await (const { type, json } of events) yield `event: ${type}\ndata: ${json}\n\n`;
  yield "data: [DONE]\n\n";
}
