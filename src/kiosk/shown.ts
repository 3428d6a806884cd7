/** The parts of a kiosk that are the same on the page and on a console. Pure. */

/** The server's word to a kiosk, from /hearth/v1/kiosk. */
export interface KioskState {
  readonly version: string;
  readonly prompts: readonly string[];
  readonly every_ms: number;
  readonly number: number;
  readonly prompt: string | null;
  readonly text: string | null;
}

/** How long a kiosk waits before it asks a server again that does not answer. */
export const retryMs = 5000;
/** A question for news waits for them; one that takes longer than this is lost. */
export const newsLimitMs = 40_000;

/** Longer answers show their end. */
const longestText = 4000;
/** So much of the end of an answer is enough for shownText(), whatever empty lines it ends with. */
export const enoughText = 2 * longestText;

/** The part of an answer that is shown. */
export function shownText(written: string): string {
  return written.trim().slice(-longestText);
}
