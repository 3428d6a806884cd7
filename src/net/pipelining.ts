/**
 * Requests that one connection sends without waiting for answers (pipelining): they are read and handled one after the other, and
 * between two of them every other connection has its turn. Knows nothing of what requests mean.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Portions } from "./socket-portions.js";

type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/** The portion of a body that is parsed at once; its parser makes an event of each chunk, which may be a byte. */
const portionBytes = 4096;
const endOfHeaders = "\r\n\r\n";

const lines = new WeakMap<Duplex, Line>();

/** For each new connection of an HTTP server, whose parser listens to it already. */
export function readInTurn(socket: Socket): void {
  lines.set(socket, new Line(socket));
}

/** Makes `handler` see one request of a connection at a time. */
export function inTurn(handler: RequestListener): RequestListener {
  return (request, response) => {
    const line = lines.get(request.socket);
    if (line) line.add([request, response], handler);
    else handler(request, response);
  };
}

/** Whether an answer is under way, so that nothing else may be written on the connection. */
export function isAnswering(socket: Duplex): boolean {
  return lines.get(socket)?.isAnswering === true;
}

/** Whether the request that is being answered is the last one that came, still comes in, and has no answer yet. */
export function isUnanswered(socket: Duplex): boolean {
  return lines.get(socket)?.isUnanswered === true;
}

/** Ends the reading in turns, for an upgrade; returns what was read and not parsed. */
export function leaveTurns(socket: Duplex): Buffer {
  const rest = lines.get(socket)?.leave() ?? Buffer.alloc(0);
  lines.delete(socket);
  return rest;
}

class Line {
  readonly #portions: Portions;
  /** One, or two where the end of headers lay between two reads. */
  readonly #waiting: (() => void)[] = [];
  readonly #socket: Socket;
  /** The exchange that is being answered. */
  #current: Exchange | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A portion ends with the headers of one request, at the latest. Node's parser wants no more while the kernel takes nothing.
    this.#portions = new Portions(socket, {
      mayGoOn: () => this.#waiting.length === 0 && !socket.writableNeedDrain,
      cut: (bytes) => {
        const end = bytes.subarray(0, portionBytes).indexOf(endOfHeaders);
        return end < 0 ? Math.min(bytes.length, portionBytes) : end + endOfHeaders.length;
      },
    });
    socket.on("close", () => {
      this.#waiting.length = 0;
    });
  }

  get isAnswering(): boolean {
    return this.#current !== null;
  }

  get isUnanswered(): boolean {
    if (this.#current === null || this.#waiting.length > 0) return false;
    const [request, response] = this.#current;
    return !request.complete && !response.headersSent;
  }

  add(exchange: Exchange, handler: RequestListener): void {
    const answer = () => {
      this.#current = exchange;
      const [request, response] = exchange;
      // Closed is an answer that was handed to the kernel as a whole: one that is not read holds up those behind it.
      response.once("close", () => this.#next());
      handler(request, response);
    };
    if (this.#current === null) answer();
    else this.#waiting.push(answer);
  }

  leave(): Buffer {
    return this.#portions.detach();
  }

  #next(): void {
    this.#current = null;
    const answer = this.#waiting.shift();
    if (!answer) return;
    if (this.#waiting.length === 0) this.#socket.resume();
    answer();
  }
}
