import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { exchange } from "../../../../src/base/http/exchange.js";
import { HttpFailure } from "../../../../src/base/http/failure.js";

export const options = {
  method: "GET",
  headers: {},
  body: null,
  connectMs: 2000,
  lookupMs: 2000,
  headMs: 2000,
  idleMs: 2000,
  addresses: "any",
  proxy: null,
  signal: new AbortController().signal,
} as const;

type Options = { -readonly [key in keyof typeof options]?: unknown };

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly failure: HttpFailure | null;
}

/** Reads the answer, slowly where `pauseMs` says so. */
export async function ask(url: string, more: Options = {}, pauseMs = 0): Promise<Outcome> {
  let status = 0;
  let text = "";
  try {
    const answer = await exchange(new URL(url), { ...options, ...more } as Parameters<typeof exchange>[1]);
    status = answer.status;
    if (pauseMs > 0) await delay(pauseMs);
    for await (const piece of answer.body) text += piece.toString("latin1");
    return { status, text, failure: null };
  } catch (failure) {
    assert.ok(failure instanceof HttpFailure, String(failure));
    return { status, text, failure };
  }
}

export const content = "x".repeat(60);

export const length = `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`;

export const chunk = "14\r\n".concat(content.slice(0, 20), "\r\n");

export const answers = {
  "a length": { head: length, body: content },
  "a length, and says that it closes": {
    head: length.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    body: content,
  },
  chunks: { head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body: `${chunk}${chunk}${chunk}0\r\n\r\n` },
  "an early hint before it": { head: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${length}`, body: content },
};
