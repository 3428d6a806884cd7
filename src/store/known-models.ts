/**
 * Models that are known to suit boards, for who has no network to look around in, or no time. Sizes are those of the files as they are
 * published; the memory for a context follows from the shape of the model. Pure data.
 */

export interface KnownModel {
  /** The name that `hearth use` and the store have for it. */
  readonly name: string;
  /** The source that `hearth models pull` takes. */
  readonly source: string;
  readonly title: string;
  /** `Q4_K_M` */
  readonly type: string;
  readonly parameters: number;
  readonly fileBytes: number;
  /** Weights that are read for a token of an answer: of a mixture of experts the active ones, of others nearly all. */
  readonly readBytes: number;
  /** KV cache in 16 bits for a token, and for a sequence beside that, as sliding windows and recurrent states need. */
  readonly kvBytesPerToken: number;
  readonly kvBytesPerSequence: number;
  readonly contextTrained: number;
  /** Its best uses, in a few words. */
  readonly goodFor: string;
}

const mb = 1e6;
const gb = 1e9;
const kib = 1024;
const mib = 1024 * 1024;

/** The smallest first. */
export const knownModels: readonly KnownModel[] = [
  {
    name: "spark",
    source: "spark",
    title: "Spark",
    type: "Q8_0",
    parameters: 5.7e6,
    fileBytes: 6.1 * mb,
    readBytes: 6.1 * mb,
    kvBytesPerToken: 6 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 8192,
    goodFor: "commands of a smart home; comes with hearth",
  },
  {
    name: "gemma3:270m",
    source: "gemma3:270m",
    title: "Gemma 3 270M",
    type: "Q8_0",
    parameters: 268e6,
    fileBytes: 292 * mb,
    readBytes: 290 * mb,
    kvBytesPerToken: 3 * kib,
    kvBytesPerSequence: 8 * mib,
    contextTrained: 32_768,
    goodFor: "sorting, tagging and rewriting short texts",
  },
  {
    name: "qwen2.5:0.5b",
    source: "qwen2.5:0.5b",
    title: "Qwen 2.5 0.5B",
    type: "Q4_K_M",
    parameters: 494e6,
    fileBytes: 398 * mb,
    readBytes: 395 * mb,
    kvBytesPerToken: 12 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 32_768,
    goodFor: "short answers and simple tools, in many languages",
  },
  {
    name: "qwen3:0.6b",
    source: "qwen3:0.6b",
    title: "Qwen 3 0.6B",
    type: "Q4_K_M",
    parameters: 752e6,
    fileBytes: 523 * mb,
    readBytes: 480 * mb,
    kvBytesPerToken: 112 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 40_960,
    goodFor: "tools and a little reasoning; the least for a voice assistant beyond commands",
  },
  {
    name: "lfm2:1.2b",
    source: "hf:LiquidAI/LFM2-1.2B-GGUF:Q4_K_M",
    title: "LFM2 1.2B",
    type: "Q4_K_M",
    parameters: 1.17e9,
    fileBytes: 731 * mb,
    readBytes: 728 * mb,
    kvBytesPerToken: 12 * kib,
    kvBytesPerSequence: 1 * mib,
    contextTrained: 128_000,
    goodFor: "quick answers and tools on small boards",
  },
  {
    name: "gemma3:1b",
    source: "gemma3:1b",
    title: "Gemma 3 1B",
    type: "Q4_K_M",
    parameters: 1.0e9,
    fileBytes: 815 * mb,
    readBytes: 810 * mb,
    kvBytesPerToken: 4 * kib,
    kvBytesPerSequence: 13 * mib,
    contextTrained: 32_768,
    goodFor: "talk and summaries in many languages; little memory for long texts",
  },
  {
    name: "qwen2.5-coder:1.5b",
    source: "qwen2.5-coder:1.5b",
    title: "Qwen 2.5 Coder 1.5B",
    type: "Q4_K_M",
    parameters: 1.54e9,
    fileBytes: 986 * mb,
    readBytes: 980 * mb,
    kvBytesPerToken: 28 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 32_768,
    goodFor: "completing and explaining code",
  },
  {
    name: "llama3.2:1b",
    source: "llama3.2:1b",
    title: "Llama 3.2 1B",
    type: "Q8_0",
    parameters: 1.24e9,
    fileBytes: 1.32 * gb,
    readBytes: 1.31 * gb,
    kvBytesPerToken: 32 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 131_072,
    goodFor: "talk and summaries of long texts",
  },
  {
    name: "qwen3:1.7b",
    source: "qwen3:1.7b",
    title: "Qwen 3 1.7B",
    type: "Q4_K_M",
    parameters: 2.03e9,
    fileBytes: 1.36 * gb,
    readBytes: 1.2 * gb,
    kvBytesPerToken: 112 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 40_960,
    goodFor: "tools and voice assistants, in many languages",
  },
  {
    name: "llama3.2:3b",
    source: "llama3.2:3b",
    title: "Llama 3.2 3B",
    type: "Q4_K_M",
    parameters: 3.21e9,
    fileBytes: 2.02 * gb,
    readBytes: 2.01 * gb,
    kvBytesPerToken: 112 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 131_072,
    goodFor: "talk, summaries and tools",
  },
  {
    name: "qwen3:4b",
    source: "qwen3:4b",
    title: "Qwen 3 4B",
    type: "Q4_K_M",
    parameters: 4.02e9,
    fileBytes: 2.5 * gb,
    readBytes: 2.49 * gb,
    kvBytesPerToken: 144 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 262_144,
    goodFor: "tools, reasoning and longer answers, where there is time",
  },
  {
    name: "qwen3:8b",
    source: "qwen3:8b",
    title: "Qwen 3 8B",
    type: "Q4_K_M",
    parameters: 8.19e9,
    fileBytes: 5.23 * gb,
    readBytes: 4.9 * gb,
    kvBytesPerToken: 144 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 40_960,
    goodFor: "the best answers of a board with 16 GB, slowly",
  },
  {
    name: "qwen3:30b",
    source: "qwen3:30b",
    title: "Qwen 3 30B-A3B",
    type: "Q4_K_M",
    parameters: 30.5e9,
    fileBytes: 18.6 * gb,
    readBytes: 2.1 * gb,
    kvBytesPerToken: 96 * kib,
    kvBytesPerSequence: 0,
    contextTrained: 262_144,
    goodFor: "knowledge of a large model at the speed of a small one, on machines with 24 GB",
  },
];

/** By its name, in any case. */
export function findKnownModel(name: string): KnownModel | null {
  return knownModels.find((model) => model.name === name.toLowerCase()) ?? null;
}
