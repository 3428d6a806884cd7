/** The server: the models that can be named, and whether it can answer at all. */
import { ApiError, ask } from "./client.js";

export interface Model {
  readonly name: string;
  /** Bytes of its file; 0 where it has none here. */
  readonly bytes: number;
  /** `1.7B`. */
  readonly parameters: string;
  /** `Q4_K_M`. */
  readonly type: string;
  readonly isLoaded: boolean;
}

interface WireModel {
  readonly name: string;
  readonly size: number;
  readonly details?: { readonly parameter_size?: string; readonly quantization_level?: string };
}

const plainName = (name: string) => name.replace(/:latest$/, "");

export async function listModels(): Promise<Model[]> {
  const [tags, running] = await Promise.all([
    ask<{ models: WireModel[] }>("GET", "/api/tags"),
    ask<{ models: WireModel[] }>("GET", "/api/ps"),
  ]);
  const loaded = new Set(running.models.map(({ name }) => plainName(name)));
  return tags.models.map(({ name, size, details }) => ({
    name: plainName(name),
    bytes: size,
    parameters: details?.parameter_size ?? "",
    type: details?.quantization_level ?? "",
    isLoaded: loaded.has(plainName(name)),
  }));
}

export interface Condition {
  readonly name: string;
  readonly healthy: boolean;
  readonly reason?: string | null;
}

export interface Readiness {
  readonly state: "ready" | "notReady" | "unreachable";
  /** The server's own words for what is wrong. */
  readonly reasons: readonly string[];
}

/** Never throws. */
export async function readiness(): Promise<Readiness> {
  try {
    const response = await fetch("/healthz", { signal: AbortSignal.timeout(10_000) });
    const { status, conditions = [] } = (await response.json()) as { status?: string; conditions?: Condition[] };
    const reasons = conditions.filter(({ healthy }) => !healthy).map(({ reason, name }) => reason || name);
    return { state: status === "ok" ? "ready" : "notReady", reasons };
  } catch {
    return { state: "unreachable", reasons: [] };
  }
}

/** Whether the server lets this browser in: false where it wants a key, or another one. */
export async function isLetIn(): Promise<boolean> {
  try {
    await ask("GET", "/v1/models");
    return true;
  } catch (error) {
    return !(error instanceof ApiError && (error.status === 401 || error.status === 403));
  }
}
