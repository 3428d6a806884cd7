/** Splits a GGUF file into parts, as llama.cpp's gguf-split does: all keys in the first, tensors one after the other. */
import { readFileSync } from "node:fs";
import { Reader } from "./gguf-reader.js";

const alignment = 32;
const uint16 = 2;
const int32 = 5;

interface Entry {
  /** The bytes of the header, up to the offset. */
  readonly raw: Buffer;
  readonly data: Buffer;
}

/** The parts' bytes, in order. */
export function splitGguf(file: string, count: number): Buffer[] {
  const bytes = readFileSync(file);
  const reader = new Reader(bytes);
  reader.take(8); // the magic and the version
  const [tensorCount, keyCount] = [reader.uint64(), reader.uint64()];
  const keysAt = reader.at;
  for (let i = 0; i < keyCount; i++) {
    reader.text();
    reader.value(reader.uint32());
  }
  const keys = bytes.subarray(keysAt, reader.at);
  const entries = Array.from({ length: tensorCount }, () => {
    const start = reader.at;
    reader.text();
    for (let left = reader.uint32(); left > 0; left--) reader.uint64();
    reader.uint32();
    return { raw: bytes.subarray(start, reader.at), offset: reader.uint64() };
  });
  const dataAt = aligned(reader.at);
  const ends = [...entries.map(({ offset }) => offset), bytes.length - dataAt].toSorted((a, b) => a - b);
  const tensors: Entry[] = entries.map(({ raw, offset }) => {
    const end = ends.find((each) => each > offset) ?? offset;
    return { raw, data: bytes.subarray(dataAt + offset, dataAt + end) };
  });
  const size = Math.ceil(tensors.length / count);
  return Array.from({ length: count }, (_, part) => {
    const own = [key("split.no", uint16, part), key("split.count", uint16, count)];
    own.push(key("split.tensors.count", int32, tensors.length));
    const first = part === 0;
    return build(
      tensors.slice(part * size, (part + 1) * size),
      own,
      first ? keys : Buffer.alloc(0),
      first ? keyCount : 0,
    );
  });
}

function build(tensors: readonly Entry[], own: readonly Buffer[], keys: Buffer, keyCount: number): Buffer {
  let offset = 0;
  const infos: Buffer[] = [];
  const data: Buffer[] = [];
  for (const tensor of tensors) {
    infos.push(tensor.raw, uint64(offset));
    const padded = padding(tensor.data.length);
    data.push(tensor.data, padded);
    offset += tensor.data.length + padded.length;
  }
  const start = Buffer.concat([Buffer.from("GGUF"), Buffer.from([3, 0, 0, 0]), uint64(tensors.length)]);
  const header = Buffer.concat([start, uint64(keyCount + own.length), keys, ...own, ...infos]);
  return Buffer.concat([header, padding(header.length), ...data]);
}

const aligned = (length: number) => Math.ceil(length / alignment) * alignment;
const padding = (length: number) => Buffer.alloc(aligned(length) - length);

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function key(name: string, type: number, value: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(type);
  const number = Buffer.alloc(type === uint16 ? 2 : 4);
  number.writeUIntLE(value, 0, number.length);
  return Buffer.concat([uint64(name.length), Buffer.from(name), head, number]);
}
