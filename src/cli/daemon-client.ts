/**
 * Speaks HTTP with the daemon of this machine, by its Unix socket where it has one, else where its configuration says that it listens.
 * Knows the way there; nothing of what is asked.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { isSystemError } from "../base/files.js";
import type { Config } from "../config/options.js";

export type Reach = Pick<Config, "server.listen" | "server.socket" | "tls.cert" | "tls.self_signed">;

export interface DaemonRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Silence after which the connection is given up. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

/** `text`: the whole body. */
export interface DaemonAnswer {
  readonly status: number;
  readonly text: string;
}

const longestAnswer = 4 * 1024 * 1024;
/** Codes of a machine where nobody listens at the address. */
const absences = ["ECONNREFUSED", "ENOENT", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH"];
/** Codes of a port that takes no plain HTTP. */
const hangUps = ["ECONNRESET", "EPROTO"];

/** A program of this machine reaches every address by loopback that is not one of its own in the network. */
export function localAddress(config: Pick<Config, "server.listen">): { host: string; port: number } {
  const { host, port } = config["server.listen"];
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  if (host === "::") return { host: "::1", port };
  return { host, port };
}

/** Whether an error of a request says that nobody listens there. */
export function isAbsent(error: unknown): boolean {
  return isSystemError(error) && absences.includes(error.code);
}

export class DaemonClient {
  readonly #config: Reach;
  readonly #key: string | null;
  #isHttps: boolean;

  /** `key`: sent with each request; null where none is needed. */
  constructor(config: Reach, key: string | null) {
    this.#config = config;
    this.#key = key;
    this.#isHttps = config["tls.cert"] !== "" || config["tls.self_signed"];
  }

  /** Resolves with the response's head. Rejects with the system's error where no answer comes. */
  async open(wanted: DaemonRequest): Promise<IncomingMessage> {
    try {
      return await this.#open(wanted, this.#isHttps);
    } catch (error) {
      // The certificate may be a credential of the service, of which no command knows: then the port takes no plain HTTP.
      // Node itself says ECONNRESET of a connection that ends without an answer: that is no error of the system.
      const isHungUp = error instanceof Error && "code" in error && hangUps.includes(String(error.code));
      if (this.#isHttps || !isHungUp || this.#config["server.socket"] !== "" || wanted.signal?.aborted) throw error;
      const response = await this.#open(wanted, true);
      this.#isHttps = true;
      return response;
    }
  }

  /** The whole answer, of 4 MiB at most. */
  async ask(wanted: DaemonRequest): Promise<DaemonAnswer> {
    const response = await this.open(wanted);
    let text = "";
    for await (const piece of response.setEncoding("utf8") as AsyncIterable<string>) {
      text += piece;
      if (text.length > longestAnswer) throw new Error("its answer is too long");
    }
    return { status: response.statusCode ?? 0, text };
  }

  async #open(wanted: DaemonRequest, isHttps: boolean): Promise<IncomingMessage> {
    const { method, path, body, limitMs, signal } = wanted;
    const content = body === undefined ? null : Buffer.from(JSON.stringify(body));
    const socketPath = this.#config["server.socket"];
    const common = {
      method,
      path,
      agent: false as const,
      headers: {
        ...(socketPath !== "" && { host: "localhost" }),
        ...(this.#key !== null && { authorization: `Bearer ${this.#key}` }),
        ...(content && { "content-type": "application/json", "content-length": content.length }),
      },
      ...(signal && { signal }),
    };
    // TLS is a third of what a small process takes; most daemons have none.
    const https = isHttps && socketPath === "" ? await import("node:https") : null;
    return new Promise((resolve, reject) => {
      const asked: ClientRequest = https
        ? // The certificate may be self-made, and its names are for others: this is a program of this machine.
          https.request({ ...common, ...localAddress(this.#config), rejectUnauthorized: false }, resolve)
        : requestHttp({ ...common, ...(socketPath === "" ? localAddress(this.#config) : { socketPath }) }, resolve);
      asked.setTimeout(limitMs, () => asked.destroy(new Error(`no answer within ${limitMs / 1000} seconds`)));
      asked.on("error", reject);
      asked.end(content ?? undefined);
    });
  }
}
