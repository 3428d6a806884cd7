/** Small GGUF files of any size: one tensor of random weights, and a header that says so. No engine can run them. */
import { Random } from "./random.js";

const types = { uint32: 4, string: 8 } as const;
const alignment = 32;

export interface GgufOptions {
  /** The bytes of the tensor, roughly the file's size. */
  readonly bytes: number;
  readonly seed?: number;
  readonly architecture?: string;
  readonly keys?: Readonly<Record<string, string | number>>;
}

/** The bytes of a file, the same for the same options. */
export function makeGguf({ bytes, seed = 1, architecture = "test", keys = {} }: GgufOptions): Buffer {
  const elements = Math.ceil(bytes / 4);
  const values = { "general.architecture": architecture, [`${architecture}.context_length`]: 512, ...keys };
  const header = Buffer.concat([
    Buffer.from("GGUF"),
    uint32(3),
    uint64(1),
    uint64(Object.keys(values).length),
    ...Object.entries(values).flatMap(([key, value]) =>
      typeof value === "string"
        ? [string(key), uint32(types.string), string(value)]
        : [string(key), uint32(types.uint32), uint32(value)],
    ),
    ...[string("token_embd.weight"), uint32(1), uint64(elements), uint32(0), uint64(0)],
  ]);
  const padding = Buffer.alloc((alignment - (header.length % alignment)) % alignment);
  const data = Buffer.alloc(elements * 4);
  const random = new Random(seed);
  for (let i = 0; i < data.length; i += 4) data.writeUInt32LE(random.below(2 ** 30), i);
  return Buffer.concat([header, padding, data]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}
