/**
 * JSON bodies of requests, gathered in one block of memory: in a list of the pieces in which a client sends it, a megabyte takes
 * hundreds of them where each piece is a byte. Knows nothing of what bodies mean.
 */
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HearthError } from "../base/errors.js";

/** Most requests have no more. */
const firstBytes = 16_384;

/** For the routes of `app`: a body of the type is read as JSON, up to the server's limit; `check` may refuse it. */
export function takeJson(
  app: FastifyInstance,
  type: "application/json" | "*",
  check: (request: FastifyRequest) => void = () => {},
): void {
  const { onProtoPoisoning = "error", onConstructorPoisoning = "error" } = app.initialConfig;
  const parse = app.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning);
  app.addContentTypeParser(type, async (request: FastifyRequest, payload: Readable) => {
    const bytes = await gather(
      payload,
      app.initialConfig.bodyLimit ?? 0,
      Number(request.headers["content-length"] ?? 0),
    );
    check(request);
    return new Promise((resolve, reject) => {
      parse(request, bytes.toString("utf8"), (error, body) => (error ? reject(error) : resolve(body)));
    });
  });
}

/** All bytes of a body. REQUEST_TOO_LARGE; REQUEST_INVALID when the client leaves before its end. */
export function gather(payload: Readable, limitBytes: number, declaredBytes: number): Promise<Buffer> {
  const tooLarge = () => new HearthError("REQUEST_TOO_LARGE", "The body is too large.");
  return new Promise((resolve, reject) => {
    if (declaredBytes > limitBytes) return reject(tooLarge());
    let block = Buffer.allocUnsafe(firstBytes);
    let length = 0;
    const take = (piece: Buffer) => {
      const needed = length + piece.length;
      if (needed > limitBytes) return fail(tooLarge());
      if (needed > block.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * block.length, limitBytes)));
        block.copy(larger, 0, 0, length);
        block = larger;
      }
      piece.copy(block, length);
      length = needed;
    };
    const stop = () => payload.off("data", take).off("end", finish).off("error", leave);
    const finish = () => {
      stop();
      resolve(block.subarray(0, length));
    };
    const fail = (error: HearthError) => {
      stop();
      reject(error);
    };
    const leave = (cause: Error) => {
      fail(new HearthError("REQUEST_INVALID", "The connection ended before the body.", { cause }));
    };
    payload.on("data", take).on("end", finish).on("error", leave);
    payload.resume();
  });
}
