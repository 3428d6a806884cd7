/**
 * One answer of the daemon, streamed by the Responses API. An answer whose connection is lost is lost: commands on the same machine lose
 * it with the daemon alone, and ask again.
 */
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import type { AnswerEnd, AnswerEvent, AnswerStream } from "./answer-events.js";
import type { DaemonClient } from "./daemon-client.js";

/** An event of the API. */
interface WireEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface WireResponse {
  readonly id: string;
  readonly status: string;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A queue, or a long prompt on a slow board, may be silent for that long. */
const silenceMs = 3_600_000;
const retryMs = 2000;
/** A daemon that was told to cancel an answer, and does not end it, is not heard of any more. */
const cancelLimitMs = 3000;
/** One event holds a token, and the last one the whole answer. */
const longestEvent = 16 * 1024 * 1024;

/**
 * `request`: the fields of a response.create. Waits while the daemon is too busy or loads its model. DAEMON_UNREACHABLE where it went
 * away, API_KEY_INVALID, DAEMON_REFUSED with the daemon's own words.
 */
export async function* daemonAnswer(client: DaemonClient, request: object, signal: AbortSignal): AnswerStream {
  const cancelled: AnswerEnd = { reason: "cancelled", tokens: null, promptTokens: null };
  // A program that ends in the middle of an answer leaves nobody who would read on.
  const body = { store: false, max_away_ms: 0, include: ["hearth.progress"], ...request, stream: true };
  for (;;) {
    if (signal.aborted) return cancelled;
    try {
      const response = await open(client, body, signal);
      return yield* read(client, response, signal);
    } catch (error) {
      if (signal.aborted) return cancelled;
      if (!(error instanceof HearthError) || error.code !== "DAEMON_BUSY") throw error;
      yield { type: "waiting", why: error.message };
      await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
  }
}

async function open(client: DaemonClient, body: object, signal: AbortSignal): Promise<IncomingMessage> {
  const wanted = { method: "POST", path: "/v1/responses", body, limitMs: silenceMs, signal } as const;
  const response = await client.open(wanted).catch((error) => {
    throw unreachable(error);
  });
  if (response.statusCode === 200) return response;
  let text = "";
  for await (const piece of response.setEncoding("utf8") as AsyncIterable<string>) text += piece;
  throw refusal(response.statusCode ?? 0, text);
}

async function* read(client: DaemonClient, response: IncomingMessage, signal: AbortSignal): AnswerStream {
  let id: string | null = null;
  const cancel = () => {
    setTimeout(() => response.destroy(), id === null ? 0 : cancelLimitMs).unref();
    if (id === null) return;
    const path = `/v1/responses/${id}/cancel`;
    client.ask({ method: "POST", path, limitMs: cancelLimitMs }).catch(() => {});
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const event of eventsOf(response)) {
      if (event.type === "response.created") id = (event.response as WireResponse).id;
      if (signal.aborted && id !== null && event.type === "response.created") cancel();
      const end = endOf(event);
      if (end) return signal.aborted ? { ...end, reason: "cancelled" } : end;
      const known = toAnswerEvent(event);
      if (known && !signal.aborted) yield known;
    }
    throw new Error("the stream has no last event");
  } catch (error) {
    if (error instanceof HearthError) throw error;
    throw new HearthError("DAEMON_UNREACHABLE", "The daemon went away in the middle of the answer.", { cause: error });
  } finally {
    signal.removeEventListener("abort", cancel);
    response.destroy();
  }
}

function toAnswerEvent(event: WireEvent): AnswerEvent | null {
  switch (event.type) {
    case "response.output_text.delta":
      return { type: "text", text: String(event.delta) };
    case "response.reasoning_text.delta":
      return { type: "reasoning", text: String(event.delta) };
    case "hearth:queued":
      return { type: "queued", position: Number(event.position) };
    case "hearth:prompt_progress":
      return { type: "reading", read: Number(event.read_tokens), total: Number(event.total_tokens) };
    case "hearth:left_out":
      return { type: "leftOut", turns: Number(event.turns) };
    default: // events of later versions change nothing here
      return null;
  }
}

/** null where the event is not the last one. Throws what the response failed with. */
function endOf({ type, response, error }: WireEvent): AnswerEnd | null {
  if (type === "error") throw refusal(500, JSON.stringify({ error }));
  if (!["response.completed", "response.incomplete", "response.failed"].includes(type)) return null;
  const { status, usage, error: failure } = response as WireResponse;
  if (failure?.code === "server_shutting_down") {
    throw new HearthError("DAEMON_UNREACHABLE", "The daemon is stopping in the middle of the answer.");
  }
  if (failure) throw new HearthError("DAEMON_REFUSED", failure.message, { advice: "" });
  const reason = status === "completed" ? "stop" : status === "cancelled" ? "cancelled" : "length";
  return { reason, tokens: usage?.output_tokens ?? null, promptTokens: usage?.input_tokens ?? null };
}

/** The events of a stream of server-sent events. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<WireEvent> {
  let text = "";
  for await (const piece of response.setEncoding("utf8") as AsyncIterable<string>) {
    text += piece;
    if (text.length > longestEvent) throw new Error("one of its events is too long");
    if (!piece.includes("\n")) continue;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: {")) yield JSON.parse(line.slice(6));
  }
}

export function unreachable(cause: unknown): HearthError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HearthError("DAEMON_UNREACHABLE", `The daemon does not answer: ${why}.`, { cause });
}

/** The error of an answer that is none. The daemon's message says what to do, too. */
export function refusal(status: number, text: string): HearthError {
  const message = messageIn(text) || `The daemon answered with ${status}.`;
  if (status === 401 || status === 403) return new HearthError("API_KEY_INVALID", message, { advice: keyAdvice });
  return new HearthError(status === 503 || status === 429 ? "DAEMON_BUSY" : "DAEMON_REFUSED", message, { advice: "" });
}

const keyAdvice =
  "Give this command a key in the variable HEARTH_API_KEY; `sudo hearth key create NAME` makes one, and root needs none where the package made the first.";

function messageIn(text: string): string {
  try {
    const message = JSON.parse(text)?.error?.message;
    return typeof message === "string" ? message : "";
  } catch {
    return "";
  }
}
