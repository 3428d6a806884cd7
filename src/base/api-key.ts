/** An API key as the daemon knows it: who it is for, what it may do and how much. The key itself is kept nowhere. */
import { createHash } from "node:crypto";
import type { Priority } from "./demand.js";

/** `generate`: ask models. `admin`: change what the daemon holds, such as its models. */
export const scopes = ["generate", "admin"] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  /** Names the key in logs and commands; says nothing about it. */
  readonly id: string;
  readonly name: string;
  /** SHA-256, 64 hex digits. A key has 256 random bits, so that no slow hash is needed to keep it from being guessed. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** null: what the configuration says. */
  readonly requestsPerMinute: number | null;
  /** How urgent its requests are, and may say that they are; without it: default. */
  readonly priority?: Priority;
  /** Requests that run or wait at the same time; null: no limit of its own. */
  readonly concurrentRequests: number | null;
}

export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
