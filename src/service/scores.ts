/** Log probabilities of tokens, as events of their own before the tokens. */
import type { Model } from "../engine/contract.js";
import type { SequenceStream } from "../scheduler/sequence-stream.js";
import type { SequenceEvent } from "../scheduler/types.js";
import type { GenerationEvent } from "./types.js";

type ScoreEvent = Extract<GenerationEvent, { type: "score" }>;

/** The stream's events, each scored token after its score. */
export async function* withScores(
  stream: SequenceStream,
  model: Model,
): AsyncGenerator<Exclude<SequenceEvent, { type: "pooled" }> | ScoreEvent> {
  const score = ({ token, logprob }: { readonly token: number; readonly logprob: number }) => ({
    bytes: model.decode(Int32Array.of(token), true),
    logprob,
  });
  for await (const event of stream) {
    if (event.type === "pooled") continue;
    if (event.type === "token" && event.logprob !== undefined) {
      const { token, logprob, top = [] } = event;
      yield { type: "score", token: score({ token, logprob }), top: top.map(score) };
    }
    yield event;
  }
}
