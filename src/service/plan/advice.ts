/** Proposals of what would fit where a model does not, or would be in memory whole. Pure: others plan them. */
import type { ModelMemoryPlan } from "../../engine/contract.js";
import type { Sizes, Wish } from "./sizes.js";

export interface Proposal {
  readonly sizes: Sizes;
  /** How to ask for it: `--context 4096`, `kv.type = "q8_0"`. */
  readonly words: string;
}

/** Shorter contexts that are proposed. */
const contexts = [65_536, 32_768, 16_384, 8192, 4096, 2048, 1024, 512];

/** Usual quantizations, the bits of a weight on the average of published files, and the largest first. */
const quantizations: readonly (readonly [name: string, bits: number])[] = [
  ["Q8_0", 8.5],
  ["Q6_K", 6.6],
  ["Q5_K_M", 5.7],
  ["Q4_K_M", 4.9],
  ["Q3_K_M", 4.0],
  ["Q2_K", 3.2],
];

/** Changes of what somebody set, one by one and then together, so that as little as possible has to change. */
export function proposals(wish: Wish, contextTrained: number, mayBeQ8: boolean): Proposal[] {
  const { fixed: _, ...sizes } = wish;
  const toQ8 = mayBeQ8 && sizes.kvType !== "q8_0" ? { kvType: "q8_0" as const } : null;
  const words = 'kv.type = "q8_0"';
  const most = Math.min(sizes.contextTokens, contextTrained || sizes.contextTokens);
  const shorter = contexts.filter((tokens) => tokens < most);
  const contextWords = (tokens: number) => `--context ${tokens}`;
  return [
    ...(toQ8 ? [{ sizes: { ...sizes, ...toQ8 }, words }] : []),
    ...shorter.map((contextTokens) => ({ sizes: { ...sizes, contextTokens }, words: contextWords(contextTokens) })),
    ...(sizes.slots > 1 ? [{ sizes: { ...sizes, slots: 1 }, words: "--slots 1" }] : []),
    ...shorter.map((contextTokens) => ({
      sizes: { ...sizes, ...toQ8, contextTokens, slots: 1, prefixBytes: 0 },
      words: [contextWords(contextTokens), "--slots 1", ...(toQ8 ? [words] : []), "prefix.memory_bytes = 0"].join(", "),
    })),
  ];
}

export interface SmallerFile {
  readonly type: string;
  /** About so many bytes of weights. */
  readonly bytes: number;
}

/** The largest usual quantization whose weights would be of at most so many bytes, where the file's are more; null: none. */
export function quantizationWithin(
  { model }: Pick<ModelMemoryPlan, "model">,
  weightBytes: number,
  roomBytes: number,
): SmallerFile | null {
  if (weightBytes <= roomBytes) return null;
  for (const [type, bits] of quantizations) {
    const bytes = (model.parameters * bits) / 8;
    if (bytes <= roomBytes && bytes < weightBytes) return { type, bytes: Math.round(bytes) };
  }
  return null;
}
