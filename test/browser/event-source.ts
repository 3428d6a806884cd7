/** A server with the pages of another one, whose WebSocket answers every question with the same pieces of text, as fast as they are read. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";

/** Pieces that are sent before the browser has its turn. */
const burst = 20;
/** Milliseconds between two bursts: some 2,000 tokens a second, more than any board writes. */
const pauseMs = 10;

/** `rests`: after so many pieces the answer waits until the function is done, as for somebody who measures. */
export async function eventSource(
  t: TestContext,
  pages: string,
  pieces: readonly string[],
  rests: ReadonlyMap<number, () => Promise<void>> = new Map(),
): Promise<string> {
  const server = http.createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? "/", pages);
    const headers = { ...request.headers, host: new URL(pages).host };
    delete headers.origin;
    const asked = http.request(
      `${pages}${pathname}${search}`,
      { method: request.method ?? "GET", headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => void answer(socket, JSON.parse(String(data)).stream_id, pieces, rests));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(
  socket: WebSocket,
  lane: string,
  pieces: readonly string[],
  rests: ReadonlyMap<number, () => Promise<void>>,
): Promise<void> {
  let number = 0;
  const send = (event: object) => socket.send(JSON.stringify({ ...event, sequence_number: number++, stream_id: lane }));
  const response = { id: `resp_${"0".repeat(48)}`, model: "pieces", output: [], usage: null, error: null };
  send({ type: "response.created", response });
  send({ type: "response.output_item.added", output_index: 0, item: { type: "message", content: [] } });
  for (const [i, delta] of pieces.entries()) {
    send({ type: "response.output_text.delta", output_index: 0, delta });
    await rests.get(i + 1)?.();
    if (i % burst === burst - 1) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const output = [{ type: "message", content: [{ text: pieces.join("") }] }];
  send({
    type: "response.completed",
    response: { ...response, status: "completed", output, incomplete_details: null },
  });
}
