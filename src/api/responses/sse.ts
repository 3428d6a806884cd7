/** Wire events as a stream of server-sent events. */
import type { ResponseEvent } from "./writer.js";

export async function* toServerSentEvents(events: AsyncGenerator<ResponseEvent>): AsyncGenerator<string> {
  for await (const event of events) yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  yield "data: [DONE]\n\n";
}
