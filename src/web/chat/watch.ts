/** Waits for an answer that this page did not ask for, or asked for in an earlier life, and shows what there is of it meanwhile. Pure but for its means. */
import { type AnswerPart, finish, keptParts, newAnswer, type ResponseObject, toPart } from "../common/answer.js";
import { type AssistantNode, isDone } from "./tree.js";

const pollMs = 1000;
/** A long answer is asked for less often: no more of the time than a fifth goes into carrying it. */
const restShare = 4;
/** An answer without a name is given up when nobody has named it for so long. */
const namelessMs = 600_000;
/** The device that asked has so long to ask again, and to say so; also where its clock makes a message seem old. */
const leastWaitMs = 15_000;

export interface Watched {
  /** False ends the watching. */
  isWanted(): boolean;
  /** The message as the chat has it now; null where the chat or the message is gone. */
  read(): Promise<AssistantNode | null>;
  /** The answer so far. */
  onParts(parts: readonly AnswerPart[]): void;
}

/** The clock and the server that the watching needs; tests bring their own. */
export interface WatchMeans {
  /** Milliseconds since 1970. */
  now(): number;
  rest(ms: number): Promise<void>;
  /** The response of an id; null where the server does not know it, `later` where it does not say. */
  look(id: string): Promise<ResponseObject | "later" | null>;
}

/** The message with its answer; null when nobody wants it any more before it is done. */
export async function watchResponse(
  first: AssistantNode,
  { isWanted, read, onParts }: Watched,
  { now, rest, look }: WatchMeans,
): Promise<AssistantNode | null> {
  let node = first;
  let stuckSince: number | null = null;
  while (isWanted()) {
    const askedAt = now();
    const response = node.responseId === null ? null : await look(node.responseId);
    if (response === null) {
      // The device that asked may be about to name it, may have put all of it into the chat, or may ask for another one.
      const kept = await read();
      if (kept === null || isDone(kept)) return kept;
      stuckSince = kept.responseId === node.responseId ? (stuckSince ?? now()) : null;
      node = kept;
      const isOld = node.responseId !== null || now() - node.at > namelessMs;
      if (isOld && stuckSince !== null && now() - stuckSince > leastWaitMs) return { ...node, status: "cancelled" };
    } else if (response !== "later") {
      stuckSince = null;
      if (response.status !== "in_progress") return withResponse(node, response);
      onParts(response.output.map(toPart));
    }
    await rest(Math.max(pollMs, restShare * (now() - askedAt)));
  }
  return null;
}

function withResponse(node: AssistantNode, response: ResponseObject): AssistantNode {
  const answer = newAnswer(node.at);
  finish(answer, response);
  const { status, model, error, reason, inputTokens, cachedTokens, outputTokens } = answer;
  const figures = { ...node.figures, inputTokens, cachedTokens, outputTokens };
  return { ...node, status, parts: keptParts(answer), model, error: error?.message ?? null, reason, figures };
}
