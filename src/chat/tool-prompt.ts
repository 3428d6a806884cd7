/** Tools in words, for models whose chat template has no place for them. */
import type { Tool } from "./messages.js";

/** The JSON form in which templates take tools: OpenAI's. */
export function templateTool({ name, description, parameters }: Tool): Record<string, unknown> {
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? { type: "object", properties: {} },
    },
  };
}

/** `example`: a call as the model is to write it. */
export function toolInstructions(tools: readonly Record<string, unknown>[], example: string): string {
  return [
    "You can call these functions, each described by a line of JSON:",
    "<tools>",
    ...tools.map((tool) => JSON.stringify(tool)),
    "</tools>",
    "To call one, answer with its name and arguments in this form and with nothing else:",
    example,
    "The result then comes between <tool_response> tags. Answer in words when no function is needed.",
  ].join("\n");
}

export function toolResponse(content: string): string {
  return `<tool_response>\n${content}\n</tool_response>`;
}
