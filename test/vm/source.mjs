/** A source of models that takes its time, and knows how much it has sent: the moment of a power cut is chosen by that. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const pieceBytes = 16 * 1024;
const pauseMs = 40;

export class SlowSource {
  /** Bytes that were sent of each path. */
  sent = new Map();
  #files = new Map();
  #server = createServer((request, response) => this.#answer(request, response).catch(() => response.destroy()));

  async start() {
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  add(path, bytes) {
    this.#files.set(path, bytes);
    this.sent.set(path, 0);
  }

  async #answer({ url, method, headers }, response) {
    const bytes = this.#files.get(url);
    if (!bytes) return response.writeHead(404).end();
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
    const end = Math.min(to === "" ? bytes.length : Number(to) + 1, bytes.length);
    const common = { "accept-ranges": "bytes", etag: `"${url}"`, "content-length": end - Number(from) };
    if (headers.range) {
      response.writeHead(206, { ...common, "content-range": `bytes ${from}-${end - 1}/${bytes.length}` });
    } else response.writeHead(200, common);
    if (method === "HEAD") return response.end();
    for (let at = Number(from); at < end && !response.destroyed; at += pieceBytes) {
      const piece = bytes.subarray(at, Math.min(at + pieceBytes, end));
      response.write(piece);
      this.sent.set(url, this.sent.get(url) + piece.length);
      await sleep(pauseMs);
    }
    response.end();
  }
}
