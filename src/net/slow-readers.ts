/** Cuts off clients that do not read what is sent to them, whatever that is: a page, an event stream, WebSocket messages. */
import type { Server, Socket } from "node:net";
import type { Clock } from "../base/clock.js";

/** Looks in each idle time; a client is cut off at most one interval late. */
const looks = 8;

interface Progress {
  /** Bytes that the kernel took. */
  sent: number;
  /** On the clock's monotonic scale. */
  at: number;
}

/** Watches all connections of a server: one whose pending bytes stand still for `idleMs` is destroyed. */
export function cutUnread(server: Server, connectionEvent: "connection" | "secureConnection", options: UnreadOptions) {
  const { clock, idleMs } = options;
  const progress = new Map<Socket, Progress>();
  let isLooking = false;

  const look = () => {
    for (const [socket, last] of progress) {
      const sent = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || sent !== last.sent) {
        last.sent = sent;
        last.at = clock.now();
      } else if (clock.now() - last.at >= idleMs) {
        socket.destroy();
      }
    }
    isLooking = progress.size > 0;
    if (isLooking) clock.after(idleMs / looks, look);
  };

  server.on(connectionEvent, (socket: Socket) => {
    progress.set(socket, { sent: 0, at: clock.now() });
    socket.on("close", () => progress.delete(socket));
    if (!isLooking) clock.after(idleMs / looks, look);
    isLooking = true;
  });
}

export interface UnreadOptions {
  readonly clock: Clock;
  readonly idleMs: number;
}
