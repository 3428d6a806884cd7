/** config.json: the hyper-parameters of llama, qwen2, qwen3 and gemma3, as GGUF names them. */
import * as z from "zod";
import type { ImportKey } from "../../engine/contract.js";
import { type Folder, unsupported } from "./folder.js";

export type ArchitectureName = "llama" | "qwen2" | "qwen3" | "gemma3";

const architectures: ReadonlyMap<string, ArchitectureName> = new Map([
  ["LlamaForCausalLM", "llama"],
  ["MistralForCausalLM", "llama"],
  ["Qwen2ForCausalLM", "qwen2"],
  ["Qwen3ForCausalLM", "qwen3"],
  ["Gemma3ForCausalLM", "gemma3"],
  ["Gemma3ForConditionalGeneration", "gemma3"],
]);

const count = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const positive = z.number().positive().finite();
const ropeSchema = z
  .object({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    rope_theta: positive.optional(),
    factor: positive.optional(),
    original_max_position_embeddings: count.optional(),
    low_freq_factor: positive.optional(),
    high_freq_factor: positive.optional(),
  })
  .loose();
const tokenIds = z.union([z.number().int().min(0), z.array(z.number().int().min(0))]).nullish();

const configSchema = z
  .object({
    hidden_size: count,
    num_hidden_layers: count,
    intermediate_size: count,
    num_attention_heads: count,
    num_key_value_heads: count.nullish(),
    head_dim: count.nullish(),
    max_position_embeddings: count.default(131072),
    vocab_size: count,
    rms_norm_eps: positive.default(1e-6),
    rope_theta: positive.optional(),
    rope_local_base_freq: positive.optional(),
    rope_scaling: ropeSchema.nullish(),
    /** The field of transformers 5 in place of rope_theta and rope_scaling; Gemma has one for each kind of layer. */
    rope_parameters: ropeSchema.nullish(),
    sliding_window: count.nullish(),
    tie_word_embeddings: z.boolean().optional(),
    eos_token_id: tokenIds,
    bos_token_id: tokenIds,
  })
  .loose();

type RawConfig = z.infer<typeof configSchema>;
type Rope = z.infer<typeof ropeSchema>;

export interface ModelConfig {
  readonly architecture: ArchitectureName;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly tied: boolean;
  readonly bosIds: readonly number[];
  readonly eosIds: readonly number[];
  readonly keys: readonly ImportKey[];
  /** Divisors of RoPE's frequencies, [headDim / 2], where the model has them. */
  readonly ropeFactors: Float32Array | null;
}

/** IMPORT_UNSUPPORTED for another architecture, or one with parts that the engine does not have. */
export async function readConfig(folder: Folder): Promise<ModelConfig> {
  const name = "config.json";
  const top = await folder.json(
    name,
    z.object({ architectures: z.array(z.string()).min(1), text_config: z.unknown().optional() }).loose(),
  );
  const architecture = architectures.get(top.architectures[0] ?? "");
  if (!architecture) {
    const known = [...architectures.keys()].join(", ");
    throw unsupported(`The architecture is ${JSON.stringify(top.architectures[0])}; known are ${known}.`);
  }
  // Models that also see pictures keep the language model's own configuration within theirs.
  const nested = top.text_config !== undefined && typeof top.text_config === "object" ? top.text_config : {};
  const result = configSchema.safeParse({ ...top, ...nested });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw unsupported(`${name}: ${issue?.path.join(".")}: ${issue?.message}.`);
  }
  return toModelConfig(architecture, result.data);
}

function toModelConfig(architecture: ArchitectureName, config: RawConfig): ModelConfig {
  const heads = config.num_attention_heads;
  const headDim = config.head_dim ?? config.hidden_size / heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw unsupported(`config.json: ${heads} heads do not divide ${config.hidden_size}.`);
  }
  const kvHeads = config.num_key_value_heads ?? heads;
  const rope = readRope(architecture, config);
  const number = (key: string, value: number): ImportKey => ({ name: `${architecture}.${key}`, value });
  const float = (key: string, value: number): ImportKey => ({ ...number(key, value), type: "float32" });
  const keys: ImportKey[] = [
    number("context_length", config.max_position_embeddings),
    number("embedding_length", config.hidden_size),
    number("block_count", config.num_hidden_layers),
    number("feed_forward_length", config.intermediate_size),
    number("attention.head_count", heads),
    number("attention.head_count_kv", kvHeads),
    number("attention.key_length", headDim),
    number("attention.value_length", headDim),
    float("attention.layer_norm_rms_epsilon", config.rms_norm_eps),
    number("rope.dimension_count", headDim),
    float("rope.freq_base", rope.theta),
    number("vocab_size", config.vocab_size),
  ];
  if (rope.scaling === "linear" || rope.scaling === "yarn") {
    keys.push({ name: `${architecture}.rope.scaling.type`, value: rope.scaling });
    keys.push(float("rope.scaling.factor", rope.factor));
    if (rope.originalContext !== null) keys.push(number("rope.scaling.original_context_length", rope.originalContext));
  }
  if (architecture === "gemma3" && typeof config.sliding_window === "number") {
    keys.push(number("attention.sliding_window", config.sliding_window));
    keys.push(float("rope.freq_base_swa", rope.localTheta));
  }
  return {
    architecture,
    layers: config.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocabulary: config.vocab_size,
    tied: config.tie_word_embeddings ?? architecture === "gemma3",
    bosIds: [config.bos_token_id ?? []].flat(),
    eosIds: [config.eos_token_id ?? []].flat(),
    keys,
    ropeFactors: rope.factors === null ? null : llama3Factors(headDim, rope.theta, rope.factors),
  };
}

interface RopeKeys {
  readonly theta: number;
  /** The base of the layers with a sliding window. */
  readonly localTheta: number;
  readonly scaling: "none" | "linear" | "yarn" | "llama3";
  readonly factor: number;
  readonly originalContext: number | null;
  readonly factors: Llama3Scaling | null;
}

interface Llama3Scaling {
  readonly factor: number;
  readonly low: number;
  readonly high: number;
  readonly context: number;
}

function readRope(architecture: ArchitectureName, config: RawConfig): RopeKeys {
  const byLayer = z
    .object({ full_attention: ropeSchema, sliding_attention: ropeSchema })
    .safeParse(config.rope_parameters ?? {}).data;
  const rope: Rope = byLayer?.full_attention ?? config.rope_parameters ?? config.rope_scaling ?? {};
  const scaling = rope.rope_type ?? rope.type ?? "default";
  const theta = rope.rope_theta ?? config.rope_theta ?? (architecture === "gemma3" ? 1e6 : 1e4);
  const localTheta = byLayer?.sliding_attention.rope_theta ?? config.rope_local_base_freq ?? 1e4;
  const originalContext = rope.original_max_position_embeddings ?? null;
  const factor = rope.factor ?? 1;
  const base = { theta, localTheta, factor, originalContext, factors: null };
  switch (scaling) {
    case "default":
      return { ...base, scaling: "none" };
    case "linear":
    case "yarn":
      return { ...base, scaling };
    case "llama3": {
      const [low, high, context] = [rope.low_freq_factor ?? 1, rope.high_freq_factor ?? 4, originalContext ?? 8192];
      if (high <= low) throw unsupported("config.json: high_freq_factor is no more than low_freq_factor.");
      return { ...base, scaling, factors: { factor, low, high, context } };
    }
    default:
      throw unsupported(`The RoPE scaling ${JSON.stringify(scaling)} is not one of linear, yarn and llama3.`);
  }
}

/**
 * Llama 3.1's extension of the context (Grattafiori et al. 2024, arXiv:2407.21783): frequencies that turn less than `low`
 * times in the original context are divided by `factor`, those that turn more than `high` times are kept, and a ramp joins
 * the two.
 */
function llama3Factors(headDim: number, theta: number, { factor, low, high, context }: Llama3Scaling): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = context / (2 * Math.PI * theta ** ((2 * i) / headDim));
    const ramp = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return 1 / ((1 - ramp) / factor + ramp);
  });
}
