/**
 * The headers of safetensors files: which tensor lies where. They are of unknown origin: every number is checked here, and
 * again against the mapped file by the engine. Format: github.com/huggingface/safetensors, "Format" in its README.
 */
import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { decode, type Folder, openIfThere, parse, unsupported } from "./folder.js";

export interface SourceTensor {
  /** Index of `Safetensors.files`. */
  readonly file: number;
  /** The start of its data, from the start of the file. */
  readonly offset: number;
  /** `F16`, `BF16`, `F32`, or one that the engine cannot read. */
  readonly dtype: string;
  /** The slowest dimension first. */
  readonly shape: readonly number[];
}

export interface Safetensors {
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, SourceTensor>;
}

const mostHeaderBytes = 32 * 1024 * 1024;
const lengthBytes = 8;
/** Each takes a mapping of the engine's, which has 64. */
const mostFiles = 60;
const mostDimensions = 8;

const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(size).max(mostDimensions),
  data_offsets: z.tuple([size, size]),
});
const headerSchema = z.record(z.string(), z.unknown());
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

const bytesOf: ReadonlyMap<string, number> = new Map([
  ...(["F64", "I64", "U64"] as const).map((name) => [name, 8] as const),
  ...(["F32", "I32", "U32"] as const).map((name) => [name, 4] as const),
  ...(["F16", "BF16", "I16", "U16"] as const).map((name) => [name, 2] as const),
  ...(["F8_E5M2", "F8_E4M3", "I8", "U8", "BOOL"] as const).map((name) => [name, 1] as const),
]);

/** All tensors of the folder's `model.safetensors`, or of the files of its index. IMPORT_ codes, FILE_OPEN_FAILED. */
export async function readSafetensors(folder: Folder): Promise<Safetensors> {
  const index = await folder.optionalJson("model.safetensors.index.json", indexSchema);
  const names = index ? [...new Set(Object.values(index.weight_map))].sort() : ["model.safetensors"];
  if (names.length > mostFiles) throw unsupported(`The model has ${names.length} files; the limit is ${mostFiles}.`);
  const tensors = new Map<string, SourceTensor>();
  for (const [file, name] of names.entries()) {
    for (const [tensor, source] of await readHeader(folder, name, file)) {
      if (tensors.has(tensor)) throw damaged(`Tensor ${JSON.stringify(tensor)} is in ${name} and in another file.`);
      tensors.set(tensor, source);
    }
  }
  for (const tensor of Object.keys(index?.weight_map ?? {})) {
    if (!tensors.has(tensor)) throw damaged(`Tensor ${JSON.stringify(tensor)} of the index is in no file.`);
  }
  return { files: names.map((name) => folder.file(name)), tensors };
}

async function readHeader(folder: Folder, name: string, file: number): Promise<[string, SourceTensor][]> {
  // The index must not lead out of the folder.
  if (!/^[\w.-]+\.safetensors$/.test(name)) throw damaged(`The index names the file ${JSON.stringify(name)}.`);
  const handle = await openIfThere(folder.file(name));
  if (!handle) throw unsupported(`${folder.path} has no ${name}.`);
  try {
    const { size: fileBytes } = await handle.stat();
    const headerBytes = Number((await read(handle, name, 0, lengthBytes)).readBigUInt64LE());
    const dataStart = lengthBytes + headerBytes;
    if (headerBytes > mostHeaderBytes || dataStart > fileBytes) {
      throw damaged(`The header of ${name} would have ${headerBytes} bytes, and the file has ${fileBytes}.`);
    }
    const text = decode(name, await read(handle, name, lengthBytes, headerBytes));
    const { __metadata__: _, ...entries } = parse(name, text, headerSchema);
    return Object.entries(entries).map(([tensor, entry]) => [
      tensor,
      { file, ...locate(`${name}: ${JSON.stringify(tensor)}`, entry, dataStart, fileBytes) },
    ]);
  } finally {
    await handle.close();
  }
}

async function read(handle: FileHandle, name: string, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  if (bytesRead < length) throw damaged(`${name} ends in its header.`);
  return buffer;
}

function locate(name: string, entry: unknown, dataStart: number, fileBytes: number): Omit<SourceTensor, "file"> {
  const result = entrySchema.safeParse(entry);
  if (!result.success) throw damaged(`${name} has no type, shape and offsets.`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = result.data;
  const elementBytes = bytesOf.get(dtype);
  if (elementBytes === undefined) throw damaged(`${name} has the unknown type ${JSON.stringify(dtype)}.`);
  // Beyond 2^53 products are not exact, but then they are larger than any file, too.
  const bytes = shape.reduce((product, n) => product * n, elementBytes);
  if (begin > end || dataStart + end > fileBytes || bytes !== end - begin) {
    throw damaged(`${name} takes the bytes ${begin} to ${end}, which do not fit its shape or the file.`);
  }
  return { offset: dataStart + begin, dtype, shape };
}

export function damaged(message: string): HearthError {
  return new HearthError("IMPORT_BAD_TENSOR", message);
}
