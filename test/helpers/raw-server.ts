/** A server that sends bytes, not answers: for what no HTTP server would send, and for connections closed at any byte. */
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface RawServer {
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** Requests so far. */
  count: number;
}

/** `answer` gets the head of each request, and its number from 1. */
export async function startRaw(
  t: TestContext,
  answer: (socket: Socket, head: string, n: number) => unknown,
): Promise<RawServer> {
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    let head = "";
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.on("data", (piece) => {
      head += piece.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.removeAllListeners("data").resume();
      answer(socket, head, ++server.count);
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    tcp.close();
  });
  const address = tcp.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const server: RawServer = { port, url: `http://127.0.0.1:${port}`, count: 0 };
  return server;
}

/** Sends the first `length` bytes, and closes the connection: in order, or with a reset. */
export function sendAndClose(socket: Socket, bytes: Buffer, length: number, how: "close" | "reset"): void {
  const close = () => (how === "close" ? socket.end() : socket.resetAndDestroy());
  if (length === 0) close();
  else socket.write(bytes.subarray(0, length), close);
}
