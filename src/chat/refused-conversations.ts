/**
 * Conversations that a template refuses, in forms that it may take: system messages within the first user text, neighbours of
 * one role as one message. Nothing of them is left out.
 */
import type { TemplateMessage } from "./conversation.js";

/**
 * The conversation in other forms, the least changed first; none that is the same. `system`: the template takes a system
 * message as the first one.
 */
export function* otherForms(messages: readonly TemplateMessage[], system: boolean): Iterable<TemplateMessage[]> {
  const known = new Set([JSON.stringify(messages)]);
  const inFront = system ? [systemFirst(messages)] : [];
  const bare = systemInUser(messages);
  for (const form of [...inFront, joined(messages), ...inFront.map(joined), bare, joined(bare)]) {
    const text = JSON.stringify(form);
    if (known.has(text)) continue;
    known.add(text);
    yield form;
  }
}

const isSystem = ({ role }: TemplateMessage): boolean => role === "system" || role === "developer";

const withText = (texts: readonly (string | null)[]): string =>
  texts.filter((text) => text !== null && text !== "").join("\n\n");

/** All system messages as one, before everything else. */
function systemFirst(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const system = messages.filter(isSystem);
  if (system.length === 0) return [...messages];
  const content = withText(system.map((message) => message.content));
  return [{ role: "system", content }, ...messages.filter((message) => !isSystem(message))];
}

/** All system messages before the text of the first user, or as a user's where there is none. */
function systemInUser(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const system = messages.filter(isSystem).map((message) => message.content);
  const rest = messages.filter((message) => !isSystem(message));
  if (system.length === 0) return rest;
  const at = rest.findIndex((message) => message.role === "user");
  if (at < 0) return [{ role: "user", content: withText(system) }, ...rest];
  return rest.map((message, i) =>
    i === at ? { ...message, content: withText([...system, message.content]) } : message,
  );
}

/** Neighbours of one role as one message, with an empty line between them. Tools' results belong to their calls, and stay. */
function joined(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const result: TemplateMessage[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (last && last.role === message.role && message.role !== "tool")
      result[result.length - 1] = merged(last, message);
    else result.push(message);
  }
  return result;
}

function merged(first: TemplateMessage, second: TemplateMessage): TemplateMessage {
  const calls = [...(first.tool_calls ?? []), ...(second.tool_calls ?? [])];
  const reasoning = [first.reasoning_content, second.reasoning_content].filter((each) => each !== undefined);
  const isEmpty = first.content === null && second.content === null;
  return {
    ...first,
    ...second,
    content: isEmpty ? null : withText([first.content, second.content]),
    ...(reasoning.length > 0 ? { reasoning_content: withText(reasoning) } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}
