/** The configuration, and the environment that Hugging Face's own tools know, in the words of a pull. */
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import type { PullSettings } from "../store/pull/model-pull.js";
import { modelMemory } from "./model-options.js";

type Environment = Readonly<Record<string, string | undefined>>;
export type ConfiguredPull = Pick<
  PullSettings,
  "huggingFace" | "huggingFaceToken" | "ollama" | "connections" | "budgetBytes"
>;

/** CONFIG_BAD_VALUE when an endpoint is no address. */
export function pullSettings(config: Config, env: Environment): ConfiguredPull {
  return {
    huggingFace: endpoint(
      config["pull.hf_endpoint"] || env.HF_ENDPOINT || "https://huggingface.co",
      "pull.hf_endpoint",
    ),
    huggingFaceToken: config["pull.hf_token"] || env.HF_TOKEN?.trim() || null,
    ollama: endpoint(config["pull.ollama_endpoint"], "pull.ollama_endpoint"),
    connections: config["pull.connections"],
    budgetBytes: modelMemory(config),
  };
}

function endpoint(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return url;
  throw new HearthError("CONFIG_BAD_VALUE", `${option}: expected an https address without a password.`, {
    param: option,
  });
}
