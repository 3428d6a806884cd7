import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import { loadEngineModule } from "../../../src/engine/binding.js";
import { ModelStore } from "../../../src/store/model-store.js";
import {
  defaultPullSettings,
  type PullOptions,
  type PullSettings,
  pullModel,
} from "../../../src/store/pull/model-pull.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { makeGguf } from "../../helpers/gguf.js";
import { type Handler, type SourceServer, startSource } from "../../helpers/source-server.js";

export const engine = loadEngineModule();

export const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export const content = makeGguf({ bytes: 1_000_000 });

export const hash = sha256(content);

/** A repository with the file `m-Q4_0.gguf`. */
export const file = (handler?: Handler) => ({ "m-Q4_0.gguf": { content, sha256: hash, ...(handler && { handler }) } });

interface Puller {
  readonly store: ModelStore;
  readonly settings: PullSettings;
  pull(text: string, options?: Partial<PullOptions>, settings?: Partial<PullSettings>): ReturnType<typeof pullModel>;
  /** Files under names that a model could be loaded from. */
  named(): string[];
}

function makePuller(t: TestContext, source: SourceServer): Puller {
  const store = new ModelStore(path.join(temporaryFolder(t), "models"), engine);
  const settings: PullSettings = {
    ...defaultPullSettings,
    huggingFace: new URL(source.url),
    ollama: new URL(source.url),
    budgetBytes: 1e9,
    segmentBytes: 100_000,
    retry: { attempts: 6, firstMs: 1, longestMs: 5, unresolvedMs: 300 },
    journalMs: 5,
    idleMs: 3000,
  };
  const signal = new AbortController().signal;
  return {
    store,
    settings,
    pull: (text, options = {}, more = {}) =>
      pullModel(store, text, { ...settings, ...more }, { signal, trustAddress: true, ...options }),
    named: () =>
      readdirSync(store.folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".gguf")),
  };
}

export async function setUp(t: TestContext) {
  const source = await startSource(t);
  return { source, ...makePuller(t, source) };
}
