/** The files of `prefix.pinned`: system prompts as texts, or chat requests as JSON. */
import { toGenerations } from "../api/openai/chat-request.js";
import { chatSchema } from "../api/openai/chat-schema.js";
import { HearthError } from "../base/errors.js";
import { readSmallText, reasonOf } from "../base/files.js";
import type { Config } from "../config/options.js";
import { parseAt } from "../net/validate.js";
import { defaultModel } from "../service/model-host.js";
import type { PinnedPrompt } from "../service/pinned-prompts.js";

export interface PinnedFile extends PinnedPrompt {
  readonly file: string;
}

/** CONFIG_BAD_VALUE for a file that cannot be read, or is no chat request. */
export function readPinnedFiles(config: Pick<Config, "prefix.pinned">): PinnedFile[] {
  return config["prefix.pinned"].map((file) => {
    try {
      const text = readSmallText(file);
      return { file, ...(/\.json$/i.test(file) ? fromRequest(JSON.parse(text)) : fromText(text)) };
    } catch (error) {
      const why = reasonOf(error);
      const message = `prefix.pinned: ${file}: ${why.slice(0, 500)}`;
      throw new HearthError("CONFIG_BAD_VALUE", message, { param: "prefix.pinned", cause: error });
    }
  });
}

function fromText(content: string): PinnedPrompt {
  return { messages: [{ role: "system", content: content.trimEnd() }], tools: [] };
}

function fromRequest(json: unknown): PinnedPrompt {
  const request = parseAt(chatSchema, json, "");
  const [generation] = toGenerations({ ...request, n: 1 }, request.model ?? defaultModel, new AbortController().signal);
  const messages = [...(generation?.messages ?? [])];
  if (messages.at(-1)?.role === "user") messages.pop(); // the question, which differs
  return { messages, tools: generation?.tools ?? [] };
}
