/**
 * Defaults of a model for requests that name nothing else: sampling from its file's header, and whatever somebody set for it by
 * name. Pure.
 */
import type { ModelInfo, SamplerOptions, SamplingKeys } from "../engine/contract.js";
import type { ModelSettings, Parameters } from "../store/model-settings.js";
import type { Message } from "./types.js";

export interface ModelDefaults {
  /** Fields that are missing here have the service's default. */
  readonly sampling: Partial<SamplerOptions>;
  readonly stop: readonly string[];
  /** null: until the model ends, or the context does. */
  readonly maxTokens: number | null;
  /** Stands before conversations that bring no system message; empty for none. */
  readonly system: string;
  /** Turns that every conversation begins with. */
  readonly messages: readonly Message[];
}

type NumberOption = Exclude<keyof SamplerOptions, "logitBias" | "grammar" | "grammarFrom">;

interface Rule {
  readonly option: NumberOption;
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

const temperature: Rule = { option: "temperature", min: 0, max: 10 };
const topK: Rule = { option: "topK", min: 0, max: 1_000_000, whole: true };
const topP: Rule = { option: "topP", min: 0, max: 1 };
const minP: Rule = { option: "minP", min: 0, max: 1 };
const repetitionPenalty: Rule = { option: "repetitionPenalty", min: 0.01, max: 10 };
const penaltyLastN: Rule = { option: "penaltyLastN", min: -1, max: 1_048_576, whole: true };

/** Keys of a GGUF header as llama.cpp and its converter name them. */
const headerRules: Readonly<Record<string, Rule>> = {
  temp: temperature,
  top_k: topK,
  top_p: topP,
  min_p: minP,
  penalty_repeat: repetitionPenalty,
  penalty_last_n: penaltyLastN,
};

/** Parameters as Ollama's clients name them. */
const parameterRules: Readonly<Record<string, Rule>> = {
  temperature,
  top_k: topK,
  top_p: topP,
  min_p: minP,
  typical_p: { option: "typicalP", min: 0, max: 1 },
  repeat_penalty: repetitionPenalty,
  repeat_last_n: penaltyLastN,
  presence_penalty: { option: "presencePenalty", min: -2, max: 2 },
  frequency_penalty: { option: "frequencyPenalty", min: -2, max: 2 },
  seed: { option: "seed", min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
};

/** A file's recommendation is worth no error: what is out of range is left to the service's own default. */
export function defaultsOf({ sampling }: Pick<ModelInfo, "sampling">, settings: ModelSettings = {}): ModelDefaults {
  const { parameters = {}, system = "", messages = [] } = settings;
  const { stop, num_predict: limit } = parameters;
  return {
    sampling: { ...read(sampling, headerRules), ...read(parameters, parameterRules) },
    stop: typeof stop === "string" ? [stop] : Array.isArray(stop) ? stop : [],
    maxTokens: typeof limit === "number" && limit > 0 ? limit : null,
    system,
    messages,
  };
}

function read(values: SamplingKeys | Parameters, rules: Readonly<Record<string, Rule>>): Partial<SamplerOptions> {
  const found: Partial<Record<NumberOption, number>> = {};
  for (const [key, { option, min, max, whole = false }] of Object.entries(rules)) {
    const value = values[key];
    if (typeof value !== "number") continue;
    // -1, and any negative number, is the way of llama.cpp and Ollama to switch top_k off.
    const meant = option === "topK" ? Math.max(value, 0) : value;
    if (meant >= min && meant <= max && (!whole || Number.isInteger(meant))) found[option] = meant;
  }
  return found;
}
