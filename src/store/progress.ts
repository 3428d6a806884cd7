/** The progress of long work on models, and the names by which it tells its files apart. */
import { createHash } from "node:crypto";

export interface StoreProgress {
  /** `resolve`: asks the source what there is. `verify`: computes hashes. `convert`: to GGUF. */
  readonly phase: "resolve" | "download" | "verify" | "copy" | "convert" | "quantize";
  /** Bytes of all files. */
  readonly completed: number;
  /** 0 while it is not known. */
  readonly total: number;
  /** The reason of a failure after which it is tried again. */
  readonly retrying?: string;
}

export type OnProgress = (progress: StoreProgress) => void;

/** 16 hex digits that differ where what makes the files differ does. */
export function revisionOf(identity: unknown): string {
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 16);
}
