/**
 * The body of an answer, piece by piece, with a time for each. It listens to the connection all the while, also when its
 * reader takes long: bytes that came before a connection broke are read before the failure is.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HttpFailure, secondsOf, toFailure } from "./failure.js";

/** Beyond so many bytes that nobody has read yet, the source has to wait. */
const mostUnread = 256 * 1024;

export class Body implements AsyncIterable<Buffer> {
  readonly #message: IncomingMessage;
  readonly #socket: Socket;
  readonly #idleMs: number | null;
  readonly #unread: Buffer[] = [];
  #unreadBytes = 0;
  #outcome: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  /** `idleMs`: the longest wait for a piece; null: any. The signal's reason is what reading throws when it is aborted. */
  constructor(message: IncomingMessage, socket: Socket, idleMs: number | null, signal: AbortSignal) {
    this.#message = message;
    this.#socket = socket;
    this.#idleMs = idleMs;
    let socketError: unknown = null;
    const abort = () => this.#settle(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", abort));
    socket.on("error", (error) => {
      socketError ??= error;
    });
    message.on("data", (piece: Buffer) => this.#take(piece));
    // A body without a length ends with its connection, and then it is whole only where nothing broke.
    message.on("end", () => this.#settle(socketError && !isDelimited(message) ? brokenOff(socketError) : null));
    message.on("error", (error) => this.#settle(brokenOff(error)));
    message.on("close", () => this.#settle(brokenOff(null)));
  }

  /** Ends the connection. Reading on gives what came before, and then the error. */
  destroy(error: Error = new HttpFailure("closed", "is not listened to any more")): void {
    this.#settle(error);
  }

  /** Throws HttpFailure, and what the signal was aborted with. Leaving the loop ends the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const piece = this.#unread.shift();
        if (piece) {
          this.#unreadBytes -= piece.length;
          if (this.#unreadBytes < mostUnread && !this.#outcome) this.#message.resume();
          yield piece;
        } else if (!this.#outcome) await this.#news();
        else if (this.#outcome.error !== null) throw this.#outcome.error;
        else return;
      }
    } finally {
      this.destroy();
    }
  }

  #take(piece: Buffer): void {
    this.#unread.push(piece);
    this.#unreadBytes += piece.length;
    if (this.#unreadBytes >= mostUnread) this.#message.pause();
    this.#wake();
  }

  /** `error` null: the body is whole. The connection served its one request. */
  #settle(error: unknown): void {
    if (this.#outcome) return;
    this.#outcome = { error };
    this.#socket.destroy();
    this.#wake();
  }

  /** Resolves when there is a piece or an outcome. */
  #news(): Promise<void> {
    const idleMs = this.#idleMs;
    return new Promise((resolve) => {
      const late = () => this.#settle(new HttpFailure("late", `sent nothing for ${secondsOf(idleMs ?? 0)}`));
      const timer = idleMs === null ? undefined : setTimeout(late, idleMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Its end can be told from a broken connection (RFC 9112, section 6.3). */
function isDelimited({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function brokenOff(error: unknown): HttpFailure {
  const { kind, message } = error === null ? new HttpFailure("closed", "closed the connection") : toFailure(error);
  if (kind !== "closed") return new HttpFailure(kind, message, { cause: error });
  return new HttpFailure("closed", "closed the connection in the middle of its answer", { cause: error });
}
