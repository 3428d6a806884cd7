/** An answer as commands see it, whoever computes it. Types alone. */

export type AnswerEvent =
  | { readonly type: "text" | "reasoning"; readonly text: string }
  /** Waits for a slot; 1 is next. */
  | { readonly type: "queued"; readonly position: number }
  | { readonly type: "reading"; readonly read: number; readonly total: number }
  /** The oldest turns do not fit into the context: the model does not see so many of them. */
  | { readonly type: "leftOut"; readonly turns: number }
  /** Whoever answers is not ready yet, and is asked again. */
  | { readonly type: "waiting"; readonly why: string };

export interface AnswerEnd {
  /** `length`: it reached its longest length, or the context's end. */
  readonly reason: "stop" | "length" | "cancelled";
  /** Tokens that were written; null where nobody counted. */
  readonly tokens: number | null;
  readonly promptTokens: number | null;
}

/** Ends with `cancelled` when its signal is aborted. Throws HearthError. */
export type AnswerStream = AsyncGenerator<AnswerEvent, AnswerEnd, undefined>;
