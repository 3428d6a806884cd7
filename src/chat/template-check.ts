/** Whether a text that a client sent can be a chat template. Renders nothing. */
import { HearthError } from "../base/errors.js";
import { ChatTemplate } from "./template.js";

/** Published ones stay below 32,000 characters; parsing holds up the event loop. */
const longest = 131_072;

/** Throws CHAT_TEMPLATE_FAILED. */
export function checkTemplate(source: string): void {
  if (source.length > longest) throw failed(`The template has more than ${longest} characters.`);
  // Ollama's own templates; what they say stands in the model's file as Jinja already.
  if (/\{\{-?\s*(?:\.|\$|end\b|if\s+[.$]|range\b)/.test(source)) {
    throw failed("The template is written in Go's language; hearth takes Jinja, as model files have it.");
  }
  new ChatTemplate(source);
}

function failed(message: string): HearthError {
  return new HearthError("CHAT_TEMPLATE_FAILED", message, { param: "template" });
}
