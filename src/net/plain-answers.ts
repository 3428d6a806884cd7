/** Plain HTTP answers on sockets that no response object stands for: refused upgrades, and what is no HTTP. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { HearthError } from "../base/errors.js";
import { errorHeaders, wireError } from "./errors.js";
import { isAnswering, isUnanswered } from "./pipelining.js";

/** A client that does not take the few bytes of an answer has lost it. */
const flushLimitMs = 1000;

/**
 * Answers and closes the connection on both sides, whether the client closes its own or not: half-closed it would keep its place
 * among the connections for as long as the client likes.
 */
export function refuse(socket: Duplex, error: HearthError): void {
  if (socket.destroyed) return;
  const end = () => socket.destroy();
  const limit = setTimeout(end, flushLimitMs);
  socket.once("close", () => clearTimeout(limit));
  socket.resume(); // what was sent and not read makes the kernel reset the connection, and the answer with it
  socket.end(answer(error), end);
}

/** For the `clientError` event of an http.Server: what the parser refused, and who was too slow. */
export function refuseMalformed(cause: NodeJS.ErrnoException, socket: Duplex): void {
  const code = cause.code ?? "";
  const isHttp = code.startsWith("HPE_") || code.startsWith("ERR_HTTP_");
  // In the middle of another answer, or of a TLS handshake, there is nothing that could be said.
  const canAnswer = isHttp && socket.writable && (!isAnswering(socket) || isUnanswered(socket));
  if (!canAnswer) socket.destroy();
  else refuse(socket, malformed(code, cause));
}

function malformed(code: string, cause: Error): HearthError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new HearthError("REQUEST_TIMEOUT", "The request did not come as a whole in time.", { cause });
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return new HearthError("HEADERS_TOO_LARGE", "The headers are larger than 16 KiB.", { cause });
  }
  return new HearthError("REQUEST_INVALID", "This is no HTTP/1.1 request, or an ambiguous one.", { cause });
}

function answer(error: HearthError): string {
  const body = JSON.stringify({ error: wireError(error) });
  const { status } = error.kind;
  const headers = {
    ...errorHeaders(error),
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`;
}
