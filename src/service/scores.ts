/** The log probabilities of drawn tokens, with the tokens as pieces of text. Pure. */
import type { Model } from "../engine/contract.js";
import type { SequenceEvent, TokenScore as SequenceScore } from "../scheduler/types.js";
import type { DrawnScore, TokenScore } from "./types.js";

type TokenEvent = Extract<SequenceEvent, { type: "token" }>;

/** null where no score was asked for. */
export function scoreOf({ token, logprob, top = [] }: TokenEvent, model: Model): DrawnScore | null {
  if (logprob === undefined) return null;
  const toScore = ({ token: id, logprob }: SequenceScore): TokenScore => ({
    bytes: model.decode(Int32Array.of(id), true),
    logprob,
  });
  return { token: toScore({ token, logprob }), top: top.map(toScore) };
}
