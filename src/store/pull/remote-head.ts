/** Reads the heads of a model's files at their source, by requests for ranges; nothing is written. */
import { HearthError } from "../../base/errors.js";
import type { EngineModule, FileHead } from "../../engine/contract.js";
import { readHead } from "../model-head.js";
import { withoutQuery } from "../model-names.js";
import { splitParts } from "../split-files.js";
import { pieces, type RemoteFile } from "./file-download.js";
import { badResponse, type SourceClient, type SourceResponse, TransientError } from "./http.js";
import { type OnRetry, type RetryOptions, retrying } from "./retry.js";

export interface RemoteReading {
  readonly client: SourceClient;
  readonly retry: RetryOptions;
  readonly onRetry: OnRetry;
  readonly signal: AbortSignal;
}

/** `files`: all of a model, or the one address that somebody named of them. PULL_ and GGUF_ codes. */
export async function readRemoteHeads(
  engine: EngineModule,
  files: readonly RemoteFile[],
  reading: RemoteReading,
): Promise<FileHead[]> {
  const heads: FileHead[] = [];
  for (const file of files.length === 1 ? allParts(files[0]) : files) {
    heads.push(await readRemoteHead(engine, file, reading));
  }
  return heads;
}

/** An address of one part stands for all of them, which lie beside it. */
function allParts(file: RemoteFile | undefined): readonly RemoteFile[] {
  if (!file) return [];
  const { url } = file;
  const slash = url.pathname.lastIndexOf("/") + 1;
  const names = splitParts(url.pathname.slice(slash))?.names ?? [];
  if (names.length < 2) return [file];
  return names.map((name) => {
    const sibling = new URL(url);
    sibling.pathname = url.pathname.slice(0, slash) + name;
    return sibling.href === url.href ? file : { url: sibling, bytes: null, sha256: null, validator: null };
  });
}

async function readRemoteHead(engine: EngineModule, file: RemoteFile, reading: RemoteReading): Promise<FileHead> {
  const { url } = file;
  const ask = <T>(action: () => Promise<T>) => retrying(reading.retry, reading.onRetry, reading.signal, action);
  const fileBytes = file.bytes ?? (await ask(() => lengthOf(url, reading)));
  const read = (start: number, end: number) => ask(() => readRange(file, fileBytes, start, end, reading));
  return readHead(engine, { name: withoutQuery(url), fileBytes, read });
}

async function lengthOf(url: URL, { client, signal }: RemoteReading): Promise<number> {
  const { status, headers, body } = await client.get(url, { signal, headers: { range: "bytes=0-0" } });
  body.destroy();
  const text = status === 206 ? /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] : headers["content-length"];
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new HearthError("PULL_BAD_LENGTH", `${withoutQuery(url)} does not say how many bytes it has.`);
}

/** A server that keeps no ranges sends the file from its start, of which as much is read as is wanted. */
async function readRange(
  { url, validator }: RemoteFile,
  fileBytes: number,
  start: number,
  end: number,
  { client, signal }: RemoteReading,
): Promise<Uint8Array> {
  if (start === end) return Buffer.alloc(0);
  const range = `bytes=${start}-${end - 1}`;
  const headers = { range, ...(validator !== null && { "if-range": validator }) };
  const response = await client.get(url, { signal, headers });
  try {
    checkAnswer(response, url, start, fileBytes);
    const first = response.status === 206 ? start : 0;
    const wanted = Buffer.alloc(end - start);
    let at = first;
    for await (const piece of pieces(response, url, signal)) {
      const from = Math.max(at, start);
      const to = Math.min(at + piece.length, end);
      if (from < to) wanted.set(piece.subarray(from - at, to - at), from - start);
      at += piece.length;
      if (at >= end) return wanted;
    }
    throw new TransientError(`${url.host} ended its answer early`);
  } finally {
    response.body.destroy();
  }
}

function checkAnswer({ status, headers }: SourceResponse, url: URL, start: number, fileBytes: number): void {
  if (status === 200) {
    const length = headers["content-length"];
    if (length !== undefined && Number(length) !== fileBytes) {
      throw new HearthError("PULL_BAD_LENGTH", `${withoutQuery(url)} sends ${length} bytes of ${fileBytes}.`);
    }
    return;
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers["content-range"] ?? "");
  if (!range || Number(range[1]) !== start) throw badResponse(url, "is another range than was asked for");
  if (range[2] !== "*" && Number(range[2]) !== fileBytes) {
    throw new HearthError(
      "PULL_BAD_LENGTH",
      `${withoutQuery(url)} sends a range of ${range[2]} bytes, not ${fileBytes}.`,
    );
  }
}
