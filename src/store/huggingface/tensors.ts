/** Names, and what GGUF keeps differently: each tensor of the folder to the one that the engine reads. Pure. */
import type { ImportTensor } from "../../engine/contract.js";
import type { ModelConfig } from "./config.js";
import { unsupported } from "./folder.js";
import { damaged, type Safetensors, type SourceTensor } from "./safetensors.js";

const topNames: ReadonlyMap<string, string> = new Map([
  ["model.embed_tokens.weight", "token_embd.weight"],
  ["model.norm.weight", "output_norm.weight"],
  ["lm_head.weight", "output.weight"],
]);

const layerNames: ReadonlyMap<string, string> = new Map([
  ["input_layernorm", "attn_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["self_attn.q_norm", "attn_q_norm"],
  ["self_attn.k_norm", "attn_k_norm"],
  ["post_attention_layernorm", "ffn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
]);

/** Gemma has norms after attention and after the feed-forward network, too. */
const gemmaLayerNames: ReadonlyMap<string, string> = new Map([
  ...layerNames,
  ["post_attention_layernorm", "post_attention_norm"],
  ["pre_feedforward_layernorm", "ffn_norm"],
  ["post_feedforward_layernorm", "post_ffw_norm"],
]);

/** Tensors of every layer; others depend on the architecture, and the engine misses them. */
const requiredInLayer = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up"];

/** The tensors in the order of their places in the files, so that these are read from front to back. */
export function mapTensors(config: ModelConfig, { tensors }: Safetensors): ImportTensor[] {
  const mapped = [...tensors].flatMap(([name, source]) => {
    const target = targetName(config, withoutPrefix(name));
    return target === null ? [] : [toImportTensor(config, name, target, source)];
  });
  const names = new Set(mapped.map(({ name }) => name));
  const layers = Array.from({ length: config.layers }, (_, i) =>
    requiredInLayer.map((each) => `blk.${i}.${each}.weight`),
  );
  const required = ["token_embd.weight", "output_norm.weight", ...layers.flat()];
  if (!config.tied) required.push("output.weight");
  const missing = required.find((name) => !names.has(name));
  if (missing !== undefined) throw damaged(`No tensor of the folder is ${missing}.`);
  return mapped.sort((a, b) => a.file - b.file || a.offset - b.offset);
}

/** Models that also see pictures have the language model's tensors one level deeper. */
function withoutPrefix(name: string): string {
  return name.replace(
    /^(model\.)?language_model\.(model\.)?/,
    (_, outer: string | undefined, inner: string | undefined) => (outer || inner ? "model." : ""),
  );
}

/** Null for what the engine does not need. IMPORT_UNSUPPORTED for what it does not know. */
function targetName({ architecture, layers, tied }: ModelConfig, name: string): string | null {
  if (name === "lm_head.weight" && tied) return null;
  const top = topNames.get(name);
  if (top) return top;
  // Pictures, and angles that older versions saved.
  if (/^(model\.)?(vision_tower|multi_modal_projector)\.|\.rotary_emb\.inv_freq$/.test(name)) return null;
  const match = /^model\.layers\.(\d{1,4})\.(.+)\.(weight|bias)$/.exec(name);
  const part = (architecture === "gemma3" ? gemmaLayerNames : layerNames).get(match?.[2] ?? "");
  if (!match || !part || Number(match[1]) >= layers) {
    throw unsupported(`The engine's ${architecture} has no place for tensor ${JSON.stringify(name)}.`);
  }
  return `blk.${Number(match[1])}.${part}.${match[3]}`;
}

function toImportTensor(config: ModelConfig, name: string, target: string, source: SourceTensor): ImportTensor {
  if (!["F32", "F16", "BF16"].includes(source.dtype)) {
    throw unsupported(`Tensor ${JSON.stringify(name)} is ${source.dtype}; F32, F16 and BF16 can be imported.`);
  }
  // Transformers keeps the two parts of RoPE's pairs in the halves of a head, llama in GGUF side by side.
  const isRotated = config.architecture === "llama" && /\.attn_[qk]\.(weight|bias)$/.test(target);
  return {
    name: target,
    type: source.dtype,
    shape: [...source.shape].reverse(),
    file: source.file,
    offset: source.offset,
    interleaveRows: isRotated ? config.headDim : 0,
    // Gemma's norms multiply by 1 + w, the engine's by w.
    add: config.architecture === "gemma3" && target.endsWith("norm.weight") ? 1 : 0,
  };
}
