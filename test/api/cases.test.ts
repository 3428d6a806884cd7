/** Requests that once went wrong, with what is right, against a real daemon with Spark. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { startDaemon } from "../helpers/daemon.js";
import { spark } from "../helpers/home.js";
import { missing, shared } from "../helpers/shared.js";

const file = "cases/http.json";

interface Case {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** JavaScript over s: status, t: text, j: the text as JSON, h: headers. */
  readonly want: string;
}

/** `{$repeat: [value, n]}` is a list of n times the value, `{$text: [text, n]}` a text of n times the text. */
function expanded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expanded);
  if (typeof value !== "object" || value === null) return value;
  const { $repeat, $text } = value as { $repeat?: [unknown, number]; $text?: [string, number] };
  if ($repeat) return Array.from({ length: $repeat[1] }, () => expanded($repeat[0]));
  if ($text) return $text[0].repeat($text[1]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expanded(inner)]));
}

test("every request of the collected cases has its right answer", { skip: missing(file) }, async (t) => {
  // The cases are of a time when Spark had 4,096 tokens, and some are longer than that on purpose.
  const daemon = await startDaemon(t, { model: spark, args: ["--alias", "spark", "--context", "4096"] });
  await daemon.logged("the model is ready");
  const cases: readonly Case[] = JSON.parse(readFileSync(shared(file), "utf8"));
  for (const { name, path, method, headers = {}, body, want } of cases) {
    await t.test(name, async () => {
      const response = await fetch(`${daemon.url}${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(expanded(body)) }),
      });
      const text = await response.text();
      const scope = { s: response.status, t: text, j: parsed(text), h: Object.fromEntries(response.headers) };
      assert.ok(runInNewContext(want, scope), `${want}: ${response.status} ${text.slice(0, 300)}`);
    });
  }
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
