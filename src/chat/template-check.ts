/** Checks that a text of a client can be a chat template. */
import { HearthError } from "../base/errors.js";
import type { TemplateRenderer } from "./template-thread.js";

/** Rejects with CHAT_TEMPLATE_FAILED. */
export async function checkTemplate(source: string, renderer: TemplateRenderer): Promise<void> {
  // Ollama's own templates; what they say stands in the model's file as Jinja already.
  if (/\{\{-?\s*(?:\.|\$|end\b|if\s+[.$]|range\b)/.test(source)) {
    const message = "The template is written in Go's language; hearth takes Jinja, as model files have it.";
    throw new HearthError("CHAT_TEMPLATE_FAILED", message, { param: "template" });
  }
  await renderer.open({ source, now: Date.now(), tokens: {}, specialTexts: [] });
}
