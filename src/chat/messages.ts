/** A conversation as every protocol of the daemon hands it to the chat layer. Text only. */

/** Roles that every protocol knows. Some templates know more, such as Granite's `control`. */
export const roles = ["system", "developer", "user", "assistant", "tool"] as const;
export type Role = (typeof roles)[number];

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: JSON, if it was right. */
  readonly arguments: string;
}

export interface Message {
  /** One of `roles` in lower case, or a word for the template, which may refuse it. */
  readonly role: string;
  readonly content: string;
  /** An assistant's reasoning before its content. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
  /** A tool's message has the call that it answers, and the tool's name. */
  readonly toolCallId?: string;
  readonly toolName?: string;
}

export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** Whether the model may, must not or has to call tools, or which one it has to call. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };
