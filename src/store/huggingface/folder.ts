/**
 * Reads the JSON files of a Hugging Face folder. The folder comes from anywhere: sizes are bounded and every value is checked
 * before use.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import type * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { isSystemError, reasonOf } from "../../base/files.js";

/** The largest tokenizer.json of a published model (Gemma's) has 33 MB. */
const mostJsonBytes = 128 * 1024 * 1024;

export class Folder {
  readonly path: string;

  constructor(folder: string) {
    this.path = path.resolve(folder);
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  /** IMPORT_UNSUPPORTED where the file is missing, too large, no JSON, or of another form. */
  async json<T>(name: string, schema: z.ZodType<T>): Promise<T> {
    const value = await this.optionalJson(name, schema);
    if (value === null) throw unsupported(`${this.path} has no ${name}.`);
    return value;
  }

  /** Null where the file is missing. */
  async optionalJson<T>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    const text = await this.optionalText(name);
    return text === null ? null : parse(name, text, schema);
  }

  async optionalText(name: string): Promise<string | null> {
    const handle = await openIfThere(this.file(name));
    if (!handle) return null;
    try {
      const { size } = await handle.stat();
      if (size > mostJsonBytes) throw unsupported(`${name} has ${size} bytes; the limit is ${mostJsonBytes}.`);
      return decode(name, await handle.readFile());
    } finally {
      await handle.close();
    }
  }
}

/** JSON text of `name` as the schema has it. */
export function parse<T>(name: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unsupported(`${name} is not JSON.`, error);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unsupported(`${name}: ${issue?.path.join(".")}: ${issue?.message}.`, result.error);
}

/** UTF-8, or IMPORT_UNSUPPORTED. */
export function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unsupported(`${name} is not UTF-8.`, error);
  }
}

/** Null where the file is missing. FILE_OPEN_FAILED. */
export async function openIfThere(file: string): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    // Opening a FIFO must not hang.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return null;
    throw new HearthError("FILE_OPEN_FAILED", `${file}: ${reasonOf(error)}.`, { cause: error });
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new HearthError("FILE_OPEN_FAILED", `${file} is not a regular file.`);
}

export function unsupported(message: string, cause?: unknown): HearthError {
  return new HearthError("IMPORT_UNSUPPORTED", message, { cause });
}
