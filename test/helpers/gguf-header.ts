/** Writes GGUF headers byte by byte, right or wrong, for tests of the reader. */

/** Type numbers of values in the format. */
export const ggufTypes = { uint32: 4, string: 8, array: 9, uint64: 10 } as const;

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const u64 = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
/** A string with its length, or with a length that is not its own. */
export const text = (value: string, length: bigint | number = Buffer.byteLength(value)): Buffer =>
  Buffer.concat([u64(length), Buffer.from(value)]);

export interface TensorEntry {
  readonly name: string;
  readonly shape: readonly (bigint | number)[];
  /** 0 is F32. */
  readonly type?: number;
  readonly offset?: bigint | number;
}

export interface GgufParts {
  /** Each a key and its typed value, as bytes. */
  readonly keys?: readonly Buffer[];
  readonly tensors?: readonly TensorEntry[];
  /** The counts that the header gives, where they are to be false. */
  readonly keyCount?: bigint | number;
  readonly tensorCount?: bigint | number;
  readonly dataBytes?: number;
}

export const keyOf = (name: string, type: number, value: Buffer): Buffer =>
  Buffer.concat([text(name), u32(type), value]);

export function gguf({ keys = [], tensors = [], keyCount, tensorCount, dataBytes = 256 }: GgufParts): Buffer {
  const entries = tensors.map(({ name, shape, type = 0, offset = 0 }) =>
    Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]),
  );
  const counts = [u64(tensorCount ?? tensors.length), u64(keyCount ?? keys.length)];
  const header = Buffer.concat([Buffer.from("GGUF"), u32(3), ...counts, ...keys, ...entries]);
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32);
  return Buffer.concat([header, padding, Buffer.alloc(dataBytes)]);
}
