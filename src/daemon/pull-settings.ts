/** The configuration, and the environment that Hugging Face's own tools know, in the words of a pull. */
import { totalmem } from "node:os";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import type { PullSettings } from "../store/pull/pull.js";

type Environment = Readonly<Record<string, string | undefined>>;
export type ConfiguredPull = Pick<
  PullSettings,
  "huggingFace" | "huggingFaceToken" | "ollama" | "connections" | "budgetBytes"
>;

/** What is left to the system, to other programs and to the KV cache. */
const shareOfMemory = 0.8;

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

/** Bytes that loaded models may take together: configured, or a share of the machine's or the container's. */
export function modelMemory(config: Config): number {
  const limit = process.constrainedMemory();
  const physical = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return config["models.memory_bytes"] || Math.floor(shareOfMemory * physical);
}

function endpoint(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return url;
  throw new HearthError("CONFIG_BAD_VALUE", `${option}: expected an https address without a password.`, {
    param: option,
  });
}
