/** Headers of models that are too large to be there: a llama of Q4_0, whose weights are nothing but places in a file. */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { ggufTypes, keyOf, type TensorEntry, text, u32, u64 } from "./gguf-header.js";

const alignment = 32;
const q4_0 = { id: 2, blockWeights: 32, blockBytes: 18 };
const float32 = 6;

export interface LargeModel {
  readonly layers?: number;
  readonly width?: number;
  readonly context?: number;
  readonly vocabulary?: number;
  /** Heads of keys and values, of 128 dimensions each; all without it. */
  readonly kvHeads?: number;
  /** Bytes of a key that nobody reads, as long vocabularies are. */
  readonly padding?: number;
  /** Weights of other layers than the first: this part of so many. */
  readonly part?: { readonly number: number; readonly count: number };
}

/** The header, and the size that the file would have. 7 billion weights without `shape`. */
export function largeModel(shape: LargeModel = {}): { head: Buffer; fileBytes: number } {
  const { layers = 32, width = 4096, context = 4096, vocabulary = 32_000, padding = 0, part } = shape;
  const { kvHeads = width / 128 } = shape;
  const hidden = Math.round((width * 2.6875) / 256) * 256;
  const number = (name: string, value: number) => keyOf(name, ggufTypes.uint32, u32(value));
  const epsilon = Buffer.alloc(4);
  epsilon.writeFloatLE(1e-5);
  const isFirst = !part || part.number === 0;
  const keys = isFirst
    ? [
        keyOf("general.architecture", ggufTypes.string, text("llama")),
        number("llama.context_length", context),
        number("llama.embedding_length", width),
        number("llama.block_count", layers),
        number("llama.feed_forward_length", hidden),
        number("llama.attention.head_count", width / 128),
        number("llama.attention.head_count_kv", kvHeads),
        keyOf("llama.attention.layer_norm_rms_epsilon", float32, epsilon),
        number("general.file_type", 2),
        keyOf("tokenizer.note", ggufTypes.string, text("x".repeat(padding))),
      ]
    : [];
  if (part) keys.push(number("split.no", part.number), number("split.count", part.count));

  const entries: TensorEntry[] = [];
  let offset = 0;
  const add = (name: string, type: number, shape: readonly number[]) => {
    const weights = shape.reduce((product, n) => product * n, 1);
    entries.push({ name, shape, type, offset });
    const bytes = type === 0 ? 4 * weights : (weights / q4_0.blockWeights) * q4_0.blockBytes;
    offset += Math.ceil(bytes / alignment) * alignment;
  };
  if (isFirst) {
    add("token_embd.weight", q4_0.id, [width, vocabulary]);
    add("output_norm.weight", 0, [width]);
    add("output.weight", q4_0.id, [width, vocabulary]);
  }
  for (let layer = 0; layer < layers; layer++) {
    if (part && layer % part.count !== part.number) continue;
    const blk = `blk.${layer}`;
    add(`${blk}.attn_norm.weight`, 0, [width]);
    for (const name of ["q", "output"]) add(`${blk}.attn_${name}.weight`, q4_0.id, [width, width]);
    for (const name of ["k", "v"]) add(`${blk}.attn_${name}.weight`, q4_0.id, [width, kvHeads * 128]);
    add(`${blk}.ffn_norm.weight`, 0, [width]);
    for (const name of ["gate", "up"]) add(`${blk}.ffn_${name}.weight`, q4_0.id, [width, hidden]);
    add(`${blk}.ffn_down.weight`, q4_0.id, [hidden, width]);
  }
  const tensors = entries.map(({ name, shape, type = 0, offset: at = 0 }) =>
    Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(at)]),
  );
  const counts = [u64(tensors.length), u64(keys.length)];
  const header = Buffer.concat([Buffer.from("GGUF"), u32(3), ...counts, ...keys, ...tensors]);
  const head = Buffer.concat([header, Buffer.alloc((alignment - (header.length % alignment)) % alignment)]);
  return { head, fileBytes: head.length + offset };
}

/** A file of the size, with a hole for its weights. */
export function writeLargeModel(file: string, shape: LargeModel = {}): number {
  const { head, fileBytes } = largeModel(shape);
  const fd = openSync(file, "w");
  writeSync(fd, head);
  ftruncateSync(fd, fileBytes);
  closeSync(fd);
  return fileBytes;
}
