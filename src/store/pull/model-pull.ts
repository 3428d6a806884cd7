/** Pulls a model into the store: asks its source, makes room, downloads, verifies, and only then names it. */
import { stat } from "node:fs/promises";
import { HearthError } from "../../base/errors.js";
import { checkRoom, statIfThere, storing } from "../durable-files.js";
import { describeModel } from "../model-description.js";
import { checkModelName, parseSource } from "../model-names.js";
import type { Addition, ModelStore, StoredModel } from "../model-store.js";
import { type OnProgress, revisionOf } from "../progress.js";
import { Download, type DownloadedFile, type RemoteFile } from "./file-download.js";
import { SourceClient } from "./http.js";
import { defaultRetry, type RetryOptions, retrying } from "./retry.js";
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
  const source = parseSource(text);
  const name = options.name === undefined ? null : checkModelName(options.name);
  const { huggingFace, huggingFaceToken: token, ollama, idleMs, lookupMs } = settings;
  const named = source.kind === "url" && options.trustAddress ? [source.url.origin] : [];
  const client = new SourceClient({
    trusted: [huggingFace.origin, ollama.origin, ...named],
    credential: token === null ? null : { origin: huggingFace.origin, token },
    ...{ idleMs, lookupMs },
  });
  const { onProgress = () => {}, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const asking = { phase: "resolve", completed: 0, total: 0 } as const;
    onProgress(asking);
    const context = { client, huggingFace, ollama, budgetBytes: settings.budgetBytes, signal };
    const onRetry = (reason: string) => onProgress({ ...asking, retrying: reason });
    const plan = await retrying(settings.retry, onRetry, signal, () => resolveSource(source, context));
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
    const files = await download(addition, plan.files, client, store, settings, options);
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
  files: readonly RemoteFile[],
  client: SourceClient,
  store: ModelStore,
  settings: PullSettings,
  { onProgress = () => {}, signal }: PullOptions,
): Promise<DownloadedFile[]> {
  const total = files.some(({ bytes }) => bytes === null) ? 0 : files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const targets = files.map((_, part) => addition.file(part, files.length));
  await storing(addition.folder, async () => checkRoom(addition.folder, total - (await bytesOnDisk(targets))));
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
