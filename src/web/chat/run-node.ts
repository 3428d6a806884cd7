/** The message that an answer on its way stands for in its chat. Pure. */
import { type Answer, isOver, keptParts, tokensPerSecond } from "../common/answer.js";
import type { AssistantNode } from "./tree.js";

export type RunPlace = Pick<AssistantNode, "id" | "parent" | "at" | "role">;

/** Its text comes with its end: until then a chat is written for its name alone. */
export function toNode(node: RunPlace, answer: Answer): AssistantNode {
  const { status, responseId, model, error, reason, askedAt, firstAt } = answer;
  return {
    ...node,
    status,
    parts: isOver(answer) ? keptParts(answer) : [],
    responseId,
    model,
    error: error === null ? null : error.message || error.code,
    reason,
    figures: {
      inputTokens: answer.inputTokens,
      cachedTokens: answer.cachedTokens,
      outputTokens: answer.outputTokens,
      firstMs: firstAt === null ? null : firstAt - askedAt,
      tokensPerSecond: tokensPerSecond(answer),
    },
  };
}
