/** Answers that are sent while they are made: when the client goes, reads slowly, or has to wait. What is sent is the protocol's. */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { settlesWithin } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";

/** Proxies and clients give up on a stream that says nothing while a long prompt is read. */
const heartbeatMs = 15_000;

export interface StreamOptions {
  readonly clock: Clock;
  /** A client that reads nothing for so long is cut off. */
  readonly idleMs: number;
  readonly contentType: string;
  /** Makes what is sent while there is nothing to say; null: nothing is. */
  readonly heartbeat: (() => string) | null;
}

/** Aborted with REQUEST_CANCELLED when the client goes away, and harmlessly when the answer is complete. */
export function closedSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(new HearthError("REQUEST_CANCELLED", "The client went away."));
  if (reply.raw.destroyed) abort();
  onClosed(reply, abort);
  return controller.signal;
}

/** Calls `action` when the client goes away, and when the answer is complete; the result undoes that. */
export function onClosed(reply: FastifyReply, action: () => void): () => void {
  reply.raw.once("close", action);
  return () => reply.raw.off("close", action);
}

/** Waits for the first item, so that a request that is not accepted gets a status and no stream. */
export async function started<T>(items: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await items.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* items;
  })();
}

export function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  pieces: AsyncGenerator<string>,
  { clock, idleMs, contentType, heartbeat }: StreamOptions,
): FastifyReply {
  const alive = heartbeat === null ? pieces : withHeartbeats(pieces, { clock, intervalMs: heartbeatMs, heartbeat });
  const cutOff = () => request.raw.socket.destroy();
  return reply
    .type(contentType)
    .header("cache-control", "no-store")
    .header("x-accel-buffering", "no")
    .send(Readable.from(whileRead(alive, { clock, idleMs, cutOff }), { objectMode: false }));
}

/** Node asks for the next piece when the client has read on. */
async function* whileRead(
  pieces: AsyncGenerator<string>,
  { clock, idleMs, cutOff }: { clock: Clock; idleMs: number; cutOff: () => void },
): AsyncGenerator<string> {
  for await (const piece of pieces) {
    const cancel = clock.after(idleMs, cutOff);
    try {
      yield piece;
    } finally {
      cancel();
    }
  }
}

export async function* withHeartbeats(
  pieces: AsyncGenerator<string>,
  { clock, intervalMs, heartbeat }: { clock: Clock; intervalMs: number; heartbeat: () => string },
): AsyncGenerator<string> {
  try {
    for (let next = pieces.next(); ; ) {
      if ((await settlesWithin(next, intervalMs, clock)) === "late") {
        yield heartbeat();
        continue;
      }
      const { done, value } = await next;
      if (done) break;
      yield value;
      next = pieces.next();
    }
  } finally {
    // Not awaited: it waits for the piece that is under way, and the client is gone.
    void pieces.return(undefined);
  }
}

/** The form of server-sent events (WHATWG HTML, section 9.2): comments keep the stream alive, and clients skip them. */
export const eventStream = {
  contentType: "text/event-stream; charset=utf-8",
  heartbeat: () => ": still here\n\n",
} as const;
