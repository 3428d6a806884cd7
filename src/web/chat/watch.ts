/** Waits for an answer that this page did not ask for, or asked for in an earlier life: it comes whole when it is done. */
import { finish, newAnswer, type ResponseObject } from "../common/answer.js";
import { ApiError, ask } from "../common/client.js";
import type { AssistantNode } from "./tree.js";

const pollMs = 3000;

/** The message with its answer; null when `isWanted` says no before it is done. */
export async function watchResponse(node: AssistantNode, isWanted: () => boolean): Promise<AssistantNode | null> {
  for (; isWanted(); await new Promise((resolve) => setTimeout(resolve, pollMs))) {
    const response = node.responseId === null ? null : await look(node.responseId);
    if (response === null) return { ...node, status: "cancelled" }; // the server does not know it any more
    if (response === "later" || response.status === "in_progress") continue;
    const answer = newAnswer(node.at);
    finish(answer, response);
    const { status, parts, model, error, reason, inputTokens, cachedTokens, outputTokens } = answer;
    const figures = { ...node.figures, inputTokens, cachedTokens, outputTokens };
    return { ...node, status, parts, model, error: error?.message ?? null, reason, figures };
  }
  return null;
}

async function look(id: string): Promise<ResponseObject | "later" | null> {
  try {
    return await ask<ResponseObject>("GET", `/v1/responses/${id}`);
  } catch (error) {
    return error instanceof ApiError && error.status === 404 ? null : "later";
  }
}
