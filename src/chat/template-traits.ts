/** Traits of a chat template, found out by rendering small conversations and looking for their texts in the result. */
import type { Budget } from "./jinja/budget.js";
import { type ChatTemplate, TemplateRefusal } from "./template.js";

export interface TemplateTraits {
  /** Takes a system message; others refuse it or leave it out. */
  readonly system: boolean;
  /** Tells the model of tools. */
  readonly tools: boolean;
  /** Writes tools' names whole; others leave out what stands before the last `__` (see tool-names.ts). */
  readonly namespaces: boolean;
  /** Shows the calls of earlier answers. */
  readonly calls: boolean;
  /** Shows tools' results. */
  readonly results: boolean;
  /** Wants a call's arguments as JSON text, and not as an object. */
  readonly argumentsAsText: boolean;
  /** Wants no content beside calls, and not an empty one. */
  readonly nullContent: boolean;
  /** Wants call ids of nine letters and digits: Mistral's. */
  readonly shortIds: boolean;
  /** The text behind an answer. */
  readonly afterAnswer: string;
}

// Words that no template has in it.
const word = (name: string): string => `hearthprobe${name}`;
const user = { role: "user", content: word("user") };

/** `budget`: for all probes together. Throws CHAT_TEMPLATE_FAILED for a template that does not keep its limits. */
export function probeTemplate(
  template: ChatTemplate,
  tokens: Readonly<Record<string, string>>,
  budget?: Budget,
): TemplateTraits {
  const render = (messages: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): string => {
    try {
      return template.render({ ...tokens, messages, add_generation_prompt: false, ...more }, budget);
    } catch (error) {
      if (error instanceof TemplateRefusal) return "";
      throw error;
    }
  };
  const tool = (name: string) => ({
    type: "function",
    function: { name, description: "", parameters: { type: "object", properties: {} } },
  });
  const namespaced = `${word("space")}__${word("tool")}`;
  const told = render([user], { tools: [tool(namespaced)] });
  const answer = { role: "assistant", content: word("answer") };
  const result = { role: "tool", content: word("result"), tool_call_id: callId, name: word("tool") };
  const conversation = (args: unknown, content: unknown) => [
    user,
    { role: "assistant", content, tool_calls: [call(args)] },
    result,
  ];
  const asObject = render(conversation({ key: word("value") }, ""));
  const asText = render(conversation(`{"key": "${word("value")}"}`, ""));
  const called = asObject.includes(word("value")) ? asObject : asText;
  const answered = render([user, answer]);
  return {
    system: render([{ role: "system", content: word("system") }, user]).includes(word("system")),
    tools: told.includes(word("tool")),
    namespaces: told.includes(namespaced),
    calls: called.includes(word("tool")) && called.includes(word("value")),
    results: (called || render([user, answer, result])).includes(word("result")),
    argumentsAsText: !asObject.includes(word("value")) && asText.includes(word("value")),
    nullContent: /content['"]?\]? is not none/.test(template.source) && render(conversation({}, null)) !== "",
    shortIds: /length\s*!=\s*9/.test(template.source),
    afterAnswer: answered.slice(answered.lastIndexOf(answer.content)).slice(answer.content.length),
  };
}

const callId = "hearth123";

function call(args: unknown): unknown {
  return { id: callId, type: "function", function: { name: word("tool"), arguments: args } };
}
