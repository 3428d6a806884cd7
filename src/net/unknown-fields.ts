/**
 * Fields of a request that this server does not know and that may have been meant to change the answer. They are named in a
 * Warning header (RFC 7234, 5.5) and, each once for a route, in the log: nobody should take silence for consent.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Logger } from "../base/logger.js";

/** Fields of other servers and of gateways that say nothing about what the answer is. */
const harmless: ReadonlySet<string> = new Set([
  "metadata",
  "store",
  "stream",
  "stream_options",
  "user",
  "safety_identifier",
  "service_tier",
  "priority",
  "prediction", // makes an answer faster
  "prompt_cache_key",
  "prompt_cache_retention",
  "cache_prompt",
  "cache_salt",
  "id_slot",
  "slot_id",
  "session_id",
  "request_id",
  "rid",
  "timings_per_token",
  "return_progress",
  "guided_decoding_backend",
]);

/** The fields that a header names at most; a request may have thousands of fields. */
const mostNamed = 10;
/** Fields that the log remembers having named. */
const mostLogged = 256;

export class UnknownFields {
  readonly #logger: Logger;
  readonly #logged = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Before the answer begins. */
  name(request: FastifyRequest, reply: FastifyReply, schema: z.ZodObject): void {
    const names = this.find(request.routeOptions.url ?? "", request.body, schema);
    if (names.length > 0) reply.header("warning", `299 hearth "these fields were ignored: ${names.join(", ")}"`);
  }

  /** The fields of `body`, which is logged too. `where`: the route, for the log. */
  find(where: string, body: unknown, schema: z.ZodObject): readonly string[] {
    if (typeof body !== "object" || body === null) return [];
    const found: string[] = [];
    for (const [name, value] of Object.entries(body)) {
      if (value === null || Object.hasOwn(schema.shape, name) || harmless.has(name)) continue;
      found.push(/^[\w.-]{1,64}$/.test(name) ? name : "(a strange name)");
      if (found.length === mostNamed) break;
    }
    const names = [...new Set(found)];
    for (const name of names) this.#log(where, name);
    return names;
  }

  #log(where: string, field: string): void {
    const key = `${where} ${field}`;
    if (this.#logged.has(key) || this.#logged.size >= mostLogged) return;
    this.#logged.add(key);
    this.#logger.warn({ route: where, field }, `a client sends ${field}, which this server ignores`);
  }
}
