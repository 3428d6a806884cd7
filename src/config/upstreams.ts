/** The `[[upstream]]` entries of the configuration: servers that answer for models that this one does not run. */
import * as z from "zod";
import { HearthError } from "../base/errors.js";
import type { Kind } from "./kinds.js";
import { nearest } from "./nearest.js";

const name = z.string().regex(/^[\w.-]{1,64}$/, "expected 1 to 64 letters, digits and . _ -");
const modelName = z.string().regex(/^[\w.:/@*-]{1,128}$/, "expected a model's name, in which * stands for any text");
const milliseconds = (fallback: number) => z.int().min(100).max(3_600_000).default(fallback);

const schema = z.strictObject({
  /** For logs and health conditions. */
  name,
  /** Base of the OpenAI-compatible API, as clients take it: `http://gpu.lan:8000/v1`. */
  url: z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.search === "") {
      return url.href.replace(/\/+$/, "");
    }
    context.addIssue("expected an http or https address without a password or query");
    return z.NEVER;
  }),
  api_key: z
    .string()
    .regex(/^[\x21-\x7e]{0,512}$/, "expected visible ASCII characters")
    .default(""),
  /** Requests for these go there. */
  models: z.array(modelName).max(256).default([]),
  /** Names of models there, by the names that clients use here. */
  rename: z.record(modelName, z.string().min(1).max(256)).default({}),
  /** Requests for a model of this server that `rename` names go there when so many wait for it already. */
  overflow: z.int().min(0).max(4096).optional(),
  connect_ms: milliseconds(5_000),
  first_token_ms: milliseconds(300_000),
  idle_ms: milliseconds(60_000),
  health_ms: milliseconds(15_000),
});

export type UpstreamConfig = Readonly<z.infer<typeof schema>>;

const fields = Object.keys(schema.shape);

/** An array of tables; in the environment the same as JSON. */
export function upstreams(): Kind<readonly UpstreamConfig[]> {
  return {
    expects: "[[upstream]] tables, each with a name and a url",
    read(raw) {
      const tables = typeof raw === "string" ? parseJson(raw) : raw;
      if (!Array.isArray(tables)) return undefined;
      const read = tables.map(readTable);
      const twice = read.find((each, i) => read.findIndex((other) => other.name === each.name) < i);
      if (twice) throw bad(`upstream: two entries have the name ${twice.name}.`, "upstream.name");
      return Object.freeze(read);
    },
    show: (value) => JSON.stringify(value),
  };
}

/** Names what is wrong, and never shows a value: one of them is a key. */
function readTable(table: unknown, i: number): UpstreamConfig {
  const result = schema.safeParse(table);
  if (result.success) return Object.freeze(result.data);
  const issue = result.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const [unknown = ""] = issue.keys;
    const message = `upstream[${i}]: unknown option ${unknown}; the nearest known is ${nearest(unknown, fields)}.`;
    throw new HearthError("CONFIG_UNKNOWN_KEY", message, { param: `upstream.${unknown}` });
  }
  const place = (issue?.path ?? []).map(String).join(".");
  throw bad(`upstream[${i}]${place && `.${place}`}: ${issue?.message ?? "is not valid"}.`, `upstream.${place}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(message: string, param: string): HearthError {
  return new HearthError("CONFIG_BAD_VALUE", message, { param });
}
