/** Pulls a model into the store: asks its source, makes room, downloads, verifies, and only then names it. */
import { stat } from "node:fs/promises";
import { HearthError } from "../../base/errors.js";
import { checkRoom, statIfThere, storing } from "../durable-files.js";
import { describeModel } from "../model-description.js";
import { checkModelName, parseSource } from "../model-names.js";
import type { Addition, ModelStore, StoredModel } from "../model-store.js";
import { type OnProgress, revisionOf } from "../progress.js";
import { Download, type DownloadedFile } from "./file-download.js";
import { SourceClient } from "./http.js";
import { defaultRetry, type OnRetry, type RetryOptions, retrying } from "./retry.js";
import { type PullPlan, resolveSource } from "./sources.js";

export interface PullSettings {
  readonly huggingFace: URL;
  /** Sent to `huggingFace` only. */
  readonly huggingFaceToken: string | null;
  readonly ollama: URL;
  readonly connections: number;
  /** Memory for a model that nobody chose by name. */
  readonly budgetBytes: number;
  readonly segmentBytes: number;
  readonly retry: RetryOptions;
  readonly journalMs: number;
  readonly idleMs: number;
  readonly lookupMs: number;
}

export const defaultPullSettings = {
  huggingFace: new URL("https://huggingface.co"),
  huggingFaceToken: null,
  ollama: new URL("https://registry.ollama.ai"),
  connections: 4,
  segmentBytes: 32 * 1024 * 1024,
  retry: defaultRetry,
  journalMs: 2000,
  idleMs: 30_000,
  lookupMs: 5_000,
} as const satisfies Omit<PullSettings, "budgetBytes">;

export interface PullOptions {
  /** The model's name in the store; without it the source's. */
  readonly name?: string | undefined;
  readonly onProgress?: OnProgress;
  readonly signal: AbortSignal;
  /** The address comes from whoever runs hearth, so it may be one of the own network. A client's may not. */
  readonly trustAddress: boolean;
  /** Hears what is about to be downloaded, once there is room for it. May not throw. */
  readonly onStart?: (plan: PullPlan, client: SourceClient) => Promise<void>;
}

/** A source of models, and how it is asked. */
export interface OpenedSource {
  readonly client: SourceClient;
  /** The files that it has for the model. PULL_ codes, MODEL_DOES_NOT_FIT. */
  resolve(signal: AbortSignal, onRetry: OnRetry): Promise<PullPlan>;
}

/** `text` as `parseSource` takes it: MODEL_NAME_INVALID, PULL_REFUSED. Asks nobody yet. */
export function openSource(text: string, settings: PullSettings, trustAddress: boolean): OpenedSource {
  const source = parseSource(text);
  const { huggingFace, huggingFaceToken: token, ollama, idleMs, lookupMs, budgetBytes } = settings;
  const named = source.kind === "url" && trustAddress ? [source.url.origin] : [];
  const client = new SourceClient({
    trusted: [huggingFace.origin, ollama.origin, ...named],
    credential: token === null ? null : { origin: huggingFace.origin, token },
    ...{ idleMs, lookupMs },
  });
  const resolve = (signal: AbortSignal, onRetry: OnRetry) =>
    retrying(settings.retry, onRetry, signal, () =>
      resolveSource(source, { client, huggingFace, ollama, budgetBytes, signal }),
    );
  return { client, resolve };
}

export interface Pulled {
  readonly model: StoredModel;
  /** The store had it already, just so. */
  readonly upToDate: boolean;
}

/** A source that changes all the time is given up after so many attempts. */
const attempts = 3;

/**
 * `text` as `parseSource` takes it. All PULL_ codes, MODEL_NAME_INVALID, MODEL_EXISTS, MODEL_DOES_NOT_FIT, STORE_BUSY,
 * DISK_FULL, FILE_ and GGUF_ codes; what the signal was aborted with.
 */
export async function pullModel(
  store: ModelStore,
  text: string,
  settings: PullSettings,
  options: PullOptions,
): Promise<Pulled> {
  const { client, resolve } = openSource(text, settings, options.trustAddress);
  const name = options.name === undefined ? null : checkModelName(options.name);
  const { onProgress = () => {}, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const asking = { phase: "resolve", completed: 0, total: 0 } as const;
    onProgress(asking);
    const plan = await resolve(signal, (reason) => onProgress({ ...asking, retrying: reason }));
    try {
      return await fetchPlan(store, name ?? plan.name, plan, client, settings, options);
    } catch (error) {
      const changed = error instanceof HearthError && error.code === "PULL_SOURCE_CHANGED";
      if (!changed || attempt >= attempts) throw error;
    }
  }
}

async function fetchPlan(
  store: ModelStore,
  name: string,
  plan: PullPlan,
  client: SourceClient,
  settings: PullSettings,
  options: PullOptions,
): Promise<Pulled> {
  const revision = revisionOf(
    plan.files.map(({ url, bytes, sha256, validator }) =>
      sha256 === null ? [url.href, bytes, validator] : [sha256, bytes],
    ),
  );
  const addition = await store.begin(name, revision);
  try {
    const present = store.find(name);
    if (present?.revision === revision && (await isWhole(present))) {
      await addition.release({ discard: false });
      return { model: present, upToDate: true };
    }
    // A pull of the name's own source is an update; anything else under a name that is taken needs another one.
    if (present?.source !== plan.source) store.checkFree(name, null);
    const files = await download(addition, plan, client, store, settings, options);
    return { model: await addition.commit(plan.source, files), upToDate: false };
  } catch (error) {
    const changed = error instanceof HearthError && error.code === "PULL_SOURCE_CHANGED";
    await addition.release({ discard: changed });
    throw error;
  }
}

/** Cheap: lengths only. `verify` reads the files. */
async function isWhole({ paths, files }: StoredModel): Promise<boolean> {
  const stats = await Promise.all(paths.map(statIfThere));
  return stats.every((found, i) => found?.size === files[i]?.bytes);
}

async function download(
  addition: Addition,
  plan: PullPlan,
  client: SourceClient,
  store: ModelStore,
  settings: PullSettings,
  { onProgress = () => {}, onStart, signal }: PullOptions,
): Promise<DownloadedFile[]> {
  const { files } = plan;
  const total = files.some(({ bytes }) => bytes === null) ? 0 : files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const targets = files.map((_, part) => addition.file(part, files.length));
  const present = await storing(addition.folder, async () => bytesOnDisk(targets));
  await storing(addition.folder, () => checkRoom(addition.folder, total - present));
  if (present === 0) await onStart?.(plan, client);
  let fetched = 0;
  let hashed = 0;
  const done: DownloadedFile[] = [];
  for (const [part, remote] of files.entries()) {
    const one = new Download(client, remote, targets[part] ?? "", {
      connections: settings.connections,
      segmentBytes: settings.segmentBytes,
      retry: settings.retry,
      onRetry: (retrying) => onProgress({ phase: "download", completed: fetched, total, retrying }),
      journalMs: settings.journalMs,
      signal,
      onBytes: (bytes) => {
        fetched += bytes;
        onProgress({ phase: "download", completed: fetched, total });
      },
      onHashed: (bytes) => {
        hashed += bytes;
        onProgress({ phase: "verify", completed: hashed, total });
      },
      check: async (file) => void (await describeModel(store.engine, [file])),
    });
    done.push(await one.run());
  }
  return done;
}

/** The bytes that whole and partial files take; a partial file has holes, which take none. */
async function bytesOnDisk(targets: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const target of targets) {
    for (const file of [target, `${target}.part`]) {
      if (await statIfThere(file)) bytes += (await stat(file)).blocks * 512;
    }
  }
  return bytes;
}
