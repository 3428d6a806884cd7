/** A source of models on loopback that can misbehave in every way that a test asks for. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** `n` counts the requests of this path, from 1. */
export type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => unknown;

export interface SourceServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly requests: SeenRequest[];
  /** By path, without the query. */
  readonly routes: Map<string, Handler>;
  /** Bytes of bodies that were sent. */
  bytesSent: number;
  /** Answers that were under way at the same time, at most. */
  mostActive: number;
}

export async function startSource(t: TestContext): Promise<SourceServer> {
  const counts = new Map<string, number>();
  let active = 0;
  const http = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname);
    source.requests.push({ path, headers: request.headers });
    const n = (counts.get(path) ?? 0) + 1;
    counts.set(path, n);
    source.mostActive = Math.max(source.mostActive, ++active);
    let isOver = false;
    const end = () => {
      if (!isOver) active--;
      isOver = true;
    };
    response.on("finish", end).on("close", end);
    const write = response.write.bind(response) as (chunk: Buffer) => boolean;
    response.write = ((chunk: Buffer) => {
      source.bytesSent += chunk.length;
      return write(chunk);
    }) as typeof response.write;
    const handler = source.routes.get(path);
    if (handler) handler(request, response, n);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const source: SourceServer = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    routes: new Map(),
    bytesSent: 0,
    mostActive: 0,
  };
  return source;
}

export interface SendOptions {
  readonly etag?: string;
  /** false: the whole file, whatever was asked for. */
  readonly ranges?: boolean;
  /** Ends the connection after so many bytes of the body. */
  readonly cutAfter?: number | undefined;
  /** Between pieces of 16 kB. */
  readonly pauseMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const pieceBytes = 16 * 1024;

/** Sends a file as servers of static files do, with Range and If-Range (RFC 9110). */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  options: SendOptions = {},
): Promise<void> {
  const { etag, ranges = true, cutAfter, pauseMs = 0, headers = {} } = options;
  const asked = ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
  const condition = request.headers["if-range"];
  const partial = asked && (condition === undefined || condition === etag) ? asked : null;
  const start = Number(partial?.[1] ?? 0);
  const end = partial?.[2] ? Math.min(Number(partial[2]) + 1, content.length) : content.length;
  response.writeHead(partial ? 206 : 200, {
    "content-length": end - start,
    ...(partial && { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
    ...(etag !== undefined && { etag }),
    ...headers,
  });
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  const stop = cutAfter === undefined ? end : Math.min(end, start + cutAfter);
  for (let position = start; position < stop; position += pieceBytes) {
    if (response.destroyed) return;
    const wantsMore = response.write(content.subarray(position, Math.min(stop, position + pieceBytes)));
    if (!wantsMore) await Promise.race([closed, new Promise<void>((resolve) => response.once("drain", resolve))]);
    if (pauseMs > 0 && position + pieceBytes < stop) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  if (stop < end) response.socket?.destroy();
  else response.end();
}

/** The answers of Hugging Face for a repository of these files. */
export function serveRepository(
  source: SourceServer,
  repository: string,
  files: Readonly<Record<string, { readonly content: Buffer; readonly sha256: string; readonly handler?: Handler }>>,
): void {
  source.routes.set(`/api/models/${repository}/tree/main`, (_request, response) => {
    const tree = Object.entries(files).map(([path, { content, sha256 }]) => ({
      type: "file",
      path,
      size: content.length,
      lfs: { oid: sha256, size: content.length },
    }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(tree));
  });
  for (const [path, { content, handler }] of Object.entries(files)) {
    source.routes.set(
      `/${repository}/resolve/main/${path}`,
      handler ?? ((request, response) => sendFile(request, response, content)),
    );
  }
}
