/** Writes Hugging Face folders (safetensors, config.json, tokenizer.json) of GGUF files: the inverse of what is tested. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Gguf, GgufTensor, GgufValue } from "./gguf-reader.js";

const architectures: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  gemma3: "Gemma3ForCausalLM",
};

const partNames: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const gemmaPartNames: Readonly<Record<string, string>> = {
  ...partNames,
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

export interface FolderOptions {
  readonly shards?: number;
  /** Merged over what the GGUF file says. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A model of llama, qwen2, qwen3 or gemma3 with weights in F32 and F16. */
export function writeFolder(folder: string, gguf: Gguf, { shards = 1, config = {} }: FolderOptions = {}): void {
  const architecture = String(gguf.keys.get("general.architecture"));
  const key = (name: string) => gguf.keys.get(`${architecture}.${name}`);
  const heads = Number(key("attention.head_count"));
  const headDim = Number(key("attention.key_length") ?? Number(key("embedding_length")) / heads);
  const write = (name: string, value: unknown) => writeFileSync(path.join(folder, name), JSON.stringify(value));
  write("config.json", {
    architectures: [architectures[architecture]],
    hidden_size: key("embedding_length"),
    num_hidden_layers: key("block_count"),
    intermediate_size: key("feed_forward_length"),
    num_attention_heads: heads,
    num_key_value_heads: key("attention.head_count_kv"),
    head_dim: headDim,
    max_position_embeddings: key("context_length"),
    vocab_size: key("vocab_size"),
    rms_norm_eps: key("attention.layer_norm_rms_epsilon"),
    rope_theta: key("rope.freq_base"),
    sliding_window: key("attention.sliding_window"),
    tie_word_embeddings: !gguf.tensors.some(({ name }) => name === "output.weight"),
    ...config,
  });
  writeTokenizer(folder, gguf.keys);
  const tensors = gguf.tensors
    .filter(({ name }) => name !== "rope_freqs.weight")
    .map((tensor) => toSource(architecture, headDim, tensor));
  const files = Array.from({ length: shards }, (_, shard) => tensors.filter((__, i) => i % shards === shard));
  if (shards === 1) {
    writeSafetensors(path.join(folder, "model.safetensors"), tensors);
    return;
  }
  const name = (shard: number) => `model-0000${shard + 1}-of-0000${shards}.safetensors`;
  files.forEach((part, shard) => {
    writeSafetensors(path.join(folder, name(shard)), part);
  });
  const weightMap = files.flatMap((part, shard) => part.map((tensor) => [tensor.name, name(shard)]));
  write("model.safetensors.index.json", { metadata: {}, weight_map: Object.fromEntries(weightMap) });
}

interface Source {
  readonly name: string;
  readonly dtype: string;
  /** The slowest dimension first. */
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

function toSource(architecture: string, headDim: number, tensor: GgufTensor): Source {
  const isGemma = architecture === "gemma3";
  const rotated = architecture === "llama" && /attn_[qk]\.(weight|bias)$/.test(tensor.name);
  const shifted = isGemma && tensor.name.endsWith("norm.weight");
  const bytes = rotated ? separateHalves(tensor, headDim) : shifted ? lessOne(tensor.bytes) : tensor.bytes;
  return {
    name: sourceName(tensor.name, isGemma ? gemmaPartNames : partNames),
    dtype: tensor.type === 0 ? "F32" : "F16",
    shape: [...tensor.shape].reverse(),
    bytes,
  };
}

function sourceName(name: string, parts: Readonly<Record<string, string>>): string {
  const top = { "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight" }[name];
  if (top) return top;
  if (name === "output.weight") return "lm_head.weight";
  const [, layer, part, kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const known = parts[part ?? ""];
  if (!known) throw new Error(`no name for ${name}`);
  return `model.layers.${layer}.${known}.${kind}`;
}

/** Rows 0, 1, 2, 3 ... of each head become its rows 0, 2, 4 ... and then 1, 3, 5 ... */
function separateHalves({ bytes, shape }: GgufTensor, headDim: number): Buffer {
  const rows = shape.at(-1) ?? 0;
  const rowBytes = bytes.length / rows;
  return Buffer.concat(
    Array.from({ length: rows }, (_, row) => {
      const inHead = row % headDim;
      const from = row - inHead + (inHead < headDim / 2 ? 2 * inHead : 2 * inHead - headDim + 1);
      return bytes.subarray(from * rowBytes, (from + 1) * rowBytes);
    }),
  );
}

function lessOne(bytes: Buffer): Buffer {
  const result = Buffer.from(bytes);
  for (let i = 0; i < result.length; i += 4) result.writeFloatLE(result.readFloatLE(i) - 1, i);
  return result;
}

export function writeSafetensors(file: string, tensors: readonly Source[]): void {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header, ...tensors.map(({ bytes }) => bytes)]));
}

const regexes: Readonly<Record<string, string>> = {
  "llama-bpe":
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};

/** tokenizer.json and tokenizer_config.json of `tokenizer.ggml.*`. */
export function writeTokenizer(folder: string, keys: ReadonlyMap<string, GgufValue>): void {
  const texts = keys.get("tokenizer.ggml.tokens") as string[];
  const types = (keys.get("tokenizer.ggml.token_type") ?? []) as number[];
  const isPieces = keys.get("tokenizer.ggml.model") === "llama";
  const added = texts.flatMap((content, id) =>
    types[id] === 3 || types[id] === 4 || (isPieces && types[id] === 2)
      ? [{ id, content, special: types[id] !== 4 }]
      : [],
  );
  const plain = texts.flatMap((text, id) => (types[id] === 3 || types[id] === 4 ? [] : [[text, id]]));
  const merges = isPieces
    ? mergesOf(texts, keys.get("tokenizer.ggml.scores") as number[], types)
    : keys.get("tokenizer.ggml.merges");
  const name = String(keys.get("tokenizer.ggml.pre"));
  const regex = regexes[name];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: regex === undefined };
  const split = { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false };
  const tokenizer = {
    version: "1.0",
    added_tokens: added,
    normalizer: isPieces
      ? {
          type: "Sequence",
          normalizers: [
            { type: "Prepend", prepend: "▁" },
            { type: "Replace", pattern: { String: " " }, content: "▁" },
          ],
        }
      : null,
    pre_tokenizer: isPieces ? null : { type: "Sequence", pretokenizers: regex ? [split, byteLevel] : [byteLevel] },
    post_processor: null,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(plain),
      merges,
      byte_fallback: isPieces,
      unk_token: isPieces ? "<unk>" : null,
    },
  };
  writeFileSync(path.join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const named = (key: string) => texts[Number(keys.get(`tokenizer.ggml.${key}_token_id`) ?? -1)] ?? null;
  const settings = {
    bos_token: named("bos"),
    eos_token: { content: named("eos") },
    add_bos_token: keys.get("tokenizer.ggml.add_bos_token") ?? false,
    chat_template: [
      { name: "tool_use", template: "no" },
      { name: "default", template: "{{ messages }}" },
    ],
  };
  writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify(settings));
}

/** Merges that transformers makes of a SentencePiece model: every split of a piece into two pieces, the best score first. */
function mergesOf(texts: readonly string[], scores: readonly number[], types: readonly number[]): [string, string][] {
  const ids = new Map(texts.map((text, id) => [text, id]));
  const isPlain = (text: string) => types[ids.get(text) ?? -1] === 1;
  return texts
    .flatMap((text, id) => {
      if (types[id] !== 1) return [];
      const letters = [...text];
      return letters.slice(1).flatMap((_, i) => {
        const [left, right] = [letters.slice(0, i + 1).join(""), letters.slice(i + 1).join("")];
        return isPlain(left) && isPlain(right) ? [{ id, pair: [left, right] as [string, string] }] : [];
      });
    })
    .sort((a, b) => Number(scores[b.id]) - Number(scores[a.id]))
    .map(({ pair }) => pair);
}
