/** Reads whole GGUF files into memory, for tests that look at what was written or make other formats of it. */
import { readFileSync } from "node:fs";

export type GgufValue = number | bigint | boolean | string | GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** The fastest dimension first. */
  readonly shape: readonly number[];
  /** The number of the file: 0 is F32, 1 F16. */
  readonly type: number;
  readonly bytes: Buffer;
}

export interface Gguf {
  readonly keys: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

const bytesOf: Readonly<Record<number, number>> = { 0: 4, 1: 2, 30: 2 };

/** Reads a sound file with tensors of F32, F16 and BF16. */
export function readGguf(file: string): Gguf {
  const reader = new Reader(readFileSync(file));
  if (reader.take(4).toString() !== "GGUF" || reader.uint32() !== 3) throw new Error(`${file} is no GGUF 3`);
  const [tensorCount, keyCount] = [reader.uint64(), reader.uint64()];
  const keys = new Map(Array.from({ length: keyCount }, () => [reader.text(), reader.value(reader.uint32())] as const));
  const entries = Array.from({ length: tensorCount }, () => ({
    name: reader.text(),
    shape: Array.from({ length: reader.uint32() }, () => reader.uint64()),
    type: reader.uint32(),
    offset: reader.uint64(),
  }));
  const alignment = Number(keys.get("general.alignment") ?? 32);
  const start = Math.ceil(reader.at / alignment) * alignment;
  const tensors = entries.map(({ name, shape, type, offset }) => {
    const length = shape.reduce((product, n) => product * n, bytesOf[type] ?? 0);
    return { name, shape, type, bytes: reader.slice(start + offset, length) };
  });
  return { keys, tensors };
}

export class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  slice(at: number, length: number): Buffer {
    return this.#bytes.subarray(at, at + length);
  }

  take(length: number): Buffer {
    this.at += length;
    return this.slice(this.at - length, length);
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  uint64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  text(): string {
    return this.take(this.uint64()).toString();
  }

  value(type: number): GgufValue {
    switch (type) {
      case 0:
        return this.take(1).readUInt8();
      case 1:
        return this.take(1).readInt8();
      case 2:
        return this.take(2).readUInt16LE();
      case 4:
        return this.uint32();
      case 5:
        return this.take(4).readInt32LE();
      case 6:
        return this.take(4).readFloatLE();
      case 7:
        return this.take(1).readUInt8() !== 0;
      case 8:
        return this.text();
      case 9: {
        const [element, count] = [this.uint32(), this.uint64()];
        return Array.from({ length: count }, () => this.value(element));
      }
      case 10:
        return this.uint64();
      default:
        throw new Error(`a GGUF value of type ${type}`);
    }
  }
}
