/** Clients that speak bytes, for what no honest client sends. */
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { until } from "./scheduler.js";

export interface RawClient {
  readonly socket: Socket;
  /** All that the server has said. */
  said(): string;
  /** Resolves when the server has closed the connection on both sides, not only its own; fails after `limitMs`. */
  cutOff(limitMs?: number): Promise<void>;
}

/** Connects, sends, and never closes by itself. Resolves when the connection stands. */
export async function speak(t: TestContext, port: number, bytes: string | Buffer): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let said = "";
  let isCut = false;
  t.after(() => socket.destroy());
  socket.on("data", (chunk) => {
    said += chunk.toString("latin1");
  });
  socket.on("error", () => {
    isCut = true;
  });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.write(bytes);
  return {
    socket,
    said: () => said,
    async cutOff(limitMs = 5000) {
      // A half-closed server takes bytes without a word; a closed one answers them with a reset.
      const knock = setInterval(() => socket.write("x"), 20);
      try {
        await until(() => isCut || socket.destroyed, limitMs);
      } finally {
        clearInterval(knock);
      }
    },
  };
}

/** The status of the first answer in it; 0 where there is none. */
export function statusOf(said: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0);
}

/** A frame of a client (RFC 6455, 5.2), masked with zeros. */
export function frame(opcode: number, payload: string, isFinal = true): Buffer {
  const data = Buffer.from(payload);
  const head = [(isFinal ? 0x80 : 0) | opcode];
  if (data.length < 126) head.push(0x80 | data.length);
  else head.push(0x80 | 126, data.length >> 8, data.length & 0xff);
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), data]);
}

export const webSocketUpgrade = [
  "GET /v1/responses HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");
