/** The result of /hearth/v1/doctor, and the commands in its words. Pure. */

export interface DoctorResult {
  readonly facts: readonly { readonly check: string; readonly text: string }[];
  readonly findings: readonly {
    readonly check: string;
    readonly severity: string;
    readonly found: string;
    readonly mend: string;
  }[];
  /** Things that could not be looked at: nobody knows whether they are in order. */
  readonly unseen: readonly { readonly check: string; readonly why: string }[];
}

export interface Piece {
  readonly isCommand: boolean;
  readonly text: string;
}

/** One command alone; or words that end with a full stop or hold commands, each in backticks. */
export function piecesOf(mend: string): readonly Piece[] {
  if (!mend.includes("`") && !mend.endsWith(".")) return [{ isCommand: true, text: mend }];
  return mend
    .split("`")
    .map((text, i) => ({ isCommand: i % 2 === 1, text: i % 2 === 1 ? text : text.replace(/^[\s,.;:]+/, "").trim() }))
    .filter(({ text }) => text !== "");
}
