/** Log probabilities in OpenAI's forms. Pure. */
import type { DrawnScore, TokenScore } from "../../service/types.js";

const decoder = new TextDecoder();

/** A token that is no whole character shows as one that stands for it; `bytes` are exact. */
const describe = ({ bytes, logprob }: TokenScore) => ({ token: decoder.decode(bytes), logprob, bytes: [...bytes] });

export function toChatLogprobs(scores: readonly DrawnScore[]) {
  return {
    content: scores.map(({ token, top }) => ({ ...describe(token), top_logprobs: top.map(describe) })),
    refusal: null,
  };
}

/** The older form of /v1/completions. `offset`: where in the answer's text the first token begins, in UTF-16 units. */
export function toCompletionLogprobs(scores: readonly DrawnScore[], offset: number) {
  const tokens = scores.map(({ token }) => decoder.decode(token.bytes));
  let at = offset;
  return {
    tokens,
    token_logprobs: scores.map(({ token }) => token.logprob),
    top_logprobs: scores.map(({ top }) =>
      Object.fromEntries(top.map(({ bytes, logprob }) => [decoder.decode(bytes), logprob])),
    ),
    text_offset: tokens.map((token) => {
      const start = at;
      at += token.length;
      return start;
    }),
  };
}
