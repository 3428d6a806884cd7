/** Asks the server over HTTP, with the key where there is one. Errors have the server's own words. */
import { storedKey } from "./key.js";

export class ApiError extends Error {
  /** The HTTP status; 0: no answer came. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

const limitMs = 20_000;

/** The answer's JSON. Throws ApiError. */
export async function ask<T>(method: Method, path: string, body?: unknown, waitMs = limitMs): Promise<T> {
  const response = await send(method, path, body, waitMs);
  const text = await response.text();
  const value = parse(text);
  if (response.ok) return value as T;
  const { code = "unknown", message = response.statusText } = errorIn(value);
  throw new ApiError(response.status, code, message);
}

/** The answer as text. Throws ApiError. */
export async function askText(path: string): Promise<string> {
  const response = await send("GET", path);
  const text = await response.text();
  if (response.ok) return text;
  const { code = "unknown", message = response.statusText } = errorIn(parse(text));
  throw new ApiError(response.status, code, message);
}

/** Takes each line of an answer that comes as lines of JSON, for as long as it lasts. Throws ApiError, also for a line that tells one. */
export async function askLines(
  path: string,
  body: unknown,
  onLine: (line: Readonly<Record<string, unknown>>) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await send("POST", path, body, signal);
  const failed = (value: unknown) => {
    const { code = "unknown", message = response.statusText } = errorIn(value);
    return new ApiError(response.status, code, message);
  };
  if (!response.ok || response.body === null) throw failed(parse(await response.text()));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value = "" } = await reader.read().catch(() => {
      throw new ApiError(0, "unreachable", "");
    });
    const lines = `${rest}${value}${done ? "\n" : ""}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter((each) => each.trim() !== "").map(parse)) {
      if (typeof line !== "object" || line === null || "error" in line) throw failed(line);
      onLine(line as Record<string, unknown>);
    }
    if (done) return;
  }
}

async function send(
  method: Method,
  path: string,
  body?: unknown,
  limit: number | AbortSignal = limitMs,
): Promise<Response> {
  const key = storedKey();
  try {
    return await fetch(path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: typeof limit === "number" ? AbortSignal.timeout(limit) : limit,
    });
  } catch {
    throw new ApiError(0, "unreachable", "");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function errorIn(value: unknown): { code?: string; message?: string } {
  if (typeof value !== "object" || value === null || !("error" in value)) return {};
  const { error } = value;
  if (typeof error === "string") return { message: error };
  return typeof error === "object" && error !== null ? error : {};
}
