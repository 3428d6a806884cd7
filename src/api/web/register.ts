/**
 * Serves the pages and what they load. Pages are revalidated with every visit, so that a new version shows at once; files whose name
 * has a hash of their content are kept for good. Everything is open: a page holds nothing that needs a key, and asks for one itself.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import type { Server } from "../../net/server.js";
import { chooseEncoding, type Encoding } from "./encoding.js";

export interface PageFile {
  /** `/`, `/assets/chat-4F3K.js`. */
  readonly path: string;
  readonly type: string;
  /** Changes with the content; without quotation marks. */
  readonly etag: string;
  /** The name changes with the content. */
  readonly immutable: boolean;
  /** The encodings that were made when the pages were built, beside the plain file. */
  readonly encodings: readonly Encoding[];
  read(encoding: Encoding | null): Promise<Buffer>;
}

/**
 * A page may load from here, ask here, and nothing else. No script or style stands in a page itself, and no text can
 * become markup (trusted types).
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const headers = {
  "content-security-policy": pagePolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
} as const;

export function registerPages({ app }: Server, files: readonly PageFile[]): void {
  const start = files.find(({ path }) => path === "/");
  // Probes ask it, of Ollama's command and others; HEAD comes with GET. It tells nothing that a port scan does not.
  const config = {
    scope: "open" as const,
    api: { summary: "The chat page; says what this is to whoever wants no page" },
  };
  app.get("/", { config }, async (request, reply) => {
    if (start && (request.headers.accept ?? "").includes("text/html")) return send(start, request, reply);
    return reply.header("vary", "Accept").type("text/plain; charset=utf-8").send("hearth is running");
  });
  for (const file of files.filter(({ path }) => path !== "/")) {
    app.get(file.path, { config: { scope: "open" } }, async (request, reply) => send(file, request, reply));
  }
}

async function send(file: PageFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const encoding = chooseEncoding(request.headers["accept-encoding"], file.encodings);
  const etag = `"${file.etag}${encoding ? `-${encoding}` : ""}"`;
  reply
    .headers(headers)
    .header("etag", etag)
    .header("vary", "Accept, Accept-Encoding")
    .header("cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (isKnown(request.headers["if-none-match"], etag)) return reply.code(304).send();
  const bytes = await read(file, encoding);
  if (encoding) reply.header("content-encoding", encoding);
  return reply.type(file.type).send(bytes);
}

/** An update that replaced the files takes those of this version away shortly before it starts the next one. */
async function read(file: PageFile, encoding: Encoding | null): Promise<Buffer> {
  try {
    return await file.read(encoding);
  } catch (error) {
    throw new HearthError("ROUTE_NOT_FOUND", `The file of ${file.path} is gone.`, { cause: error });
  }
}

/** A browser sends the tags that it has; proxies may have made them weak. */
function isKnown(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
