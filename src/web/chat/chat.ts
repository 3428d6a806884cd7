/** A chat with what it is listed by. */
import type { ChatContent } from "./tree.js";

export interface ChatSummary {
  readonly id: string;
  readonly title: string;
  readonly revision: number;
  /** Seconds since 1970. */
  readonly updatedAt: number;
}

export interface Chat extends ChatSummary {
  readonly content: ChatContent;
}
