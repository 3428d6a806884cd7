/** A server that plays an upstream, well or badly, and remembers what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Event } from "./server.js";

export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Event;
}

export interface FakeUpstream {
  /** Base of its API. */
  readonly url: string;
  readonly asked: Asked[];
  /** Connections that are open. */
  connections(): Promise<number>;
}

/** `answer` gets everything but the list of models, of which it has the given ones. */
export async function fakeUpstream(
  t: TestContext,
  models: readonly string[],
  answer: (asked: Asked, response: ServerResponse) => void,
): Promise<FakeUpstream> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => {
      text += piece;
    });
    request.on("end", () => {
      const entry = { path: request.url ?? "", headers: request.headers, body: text === "" ? {} : JSON.parse(text) };
      asked.push(entry);
      if (entry.path === "/v1/models") sendJson(response, 200, { data: models.map((id) => ({ id })) });
      else answer(entry, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
  };
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: Event = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Begins a stream of events. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
}

export function sendChunk(response: ServerResponse, delta: Event, more: Event = {}): void {
  const choice = { index: 0, delta, finish_reason: null, ...more };
  response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [choice] })}\n\n`);
}

/** Chunks of `words`, the end and the usage. */
export function sendAnswer(response: ServerResponse, words: readonly string[]): void {
  beginStream(response);
  sendChunk(response, { role: "assistant", content: "" });
  for (const content of words) sendChunk(response, { content });
  sendChunk(response, {}, { finish_reason: "stop" });
  const usage = {
    prompt_tokens: 7,
    completion_tokens: words.length,
    total_tokens: 7 + words.length,
    prompt_tokens_details: { cached_tokens: 5 },
  };
  response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`);
  response.end("data: [DONE]\n\n");
}
