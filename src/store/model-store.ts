/**
 * The models on this machine. In the store's folder stand `NAME.json`, the manifest, and `NAME/REVISION/model.gguf`, its files;
 * a model is there when its manifest is, and a manifest is written when its files are whole. Processes share the folder: who
 * changes a model holds its lock, and readers see either the old model or the new one.
 */
import { readdirSync, statSync } from "node:fs";
import { type FileHandle, readdir, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { fromSystemError, isMissing, readSmallText, reasonOf } from "../base/files.js";
import type { EngineModule } from "../engine/contract.js";
import { exists, makeFolder, removeTree, storing, syncFolder, writeDurably } from "./durable-files.js";
import { lockFileIn, tryHold } from "./file-lock.js";
import { fileName, type Manifest, type ManifestFile, makeManifest, readManifest, writeManifest } from "./manifest.js";
import { describeWholeModel } from "./model-description.js";
import { checkModelName, folderOf, isSameName } from "./model-names.js";
import type { ModelSettings } from "./model-settings.js";

export interface StoredModel extends Manifest {
  /** The first of its files, in order; the engine finds the others beside it. */
  readonly path: string;
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** A name for the files of another model. */
export interface Derivation {
  /** The other model's name; it need not be in the store. */
  readonly base: string;
  readonly settings: ModelSettings;
  /** The base's. */
  readonly description: Manifest["description"];
}

export interface Scan {
  readonly models: readonly StoredModel[];
  /** Manifests that cannot be read. */
  readonly damaged: readonly HearthError[];
}

/** A folder's time stamp says nothing about changes that come this soon after it. */
const timeStampMs = 1000;
/** Daemons that may have one model loaded at a time and be known for it. */
const mostUsers = 8;
/** A manifest with all its names is a few KB. */
const manifestBytes = 1024 * 1024;
/** The revision of a model without files. */
const noRevision = "0".repeat(16);

export class ModelStore {
  readonly folder: string;
  readonly engine: EngineModule;
  #scanned: (Scan & { readonly changed: number; readonly at: number }) | null = null;

  constructor(folder: string, engine: EngineModule) {
    this.folder = folder;
    this.engine = engine;
  }

  /**
   * All models, by name; none where there is no folder. Asks the file system only whether something changed since the last
   * time. FILE_OPEN_FAILED where it may not be read.
   */
  scan(): Scan {
    try {
      return this.#scan();
    } catch (error) {
      if (isMissing(error)) return { models: [], damaged: [] };
      throw fromSystemError(error) ?? error;
    }
  }

  #scan(): Scan {
    const changed = statSync(this.folder).mtimeMs;
    const last = this.#scanned;
    if (last?.changed === changed && last.at - changed > timeStampMs) return last;
    const at = Date.now();
    const models: StoredModel[] = [];
    const damaged: HearthError[] = [];
    for (const file of readdirSync(this.folder)) {
      if (!file.endsWith(".json")) continue;
      try {
        models.push(this.#open(readManifest(readSmallText(path.join(this.folder, file), manifestBytes), file)));
      } catch (error) {
        if (error instanceof HearthError && error.code === "STORE_DAMAGED") damaged.push(error);
        else
          damaged.push(
            new HearthError("STORE_DAMAGED", `${file} cannot be read: ${reasonOf(error)}.`, { cause: error }),
          );
      }
    }
    models.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#scanned = { models, damaged, changed, at };
    return this.#scanned;
  }

  /** By name or alias, or null. */
  find(name: string): StoredModel | null {
    const { models } = this.scan();
    const named = (asked: string, exact: boolean) =>
      models.find((model) =>
        [model.name, ...model.aliases].some((own) => (exact ? own === asked : isSameName(asked, own))),
      );
    return named(name, true) ?? named(name, false) ?? null;
  }

  /** MODEL_NOT_FOUND with the names that there are. */
  get(name: string): StoredModel {
    const found = this.find(name);
    if (found) return found;
    const names = this.scan().models.map((model) => model.name);
    const known = names.length === 0 ? "it is empty" : `it has ${names.slice(0, 10).join(", ")}`;
    throw new HearthError("MODEL_NOT_FOUND", `The store has no model ${JSON.stringify(name.slice(0, 80))}; ${known}.`, {
      param: "model",
    });
  }

  /**
   * Begins a model's addition, or its replacement. `revision` tells its files from others of the same name: 16 hex digits.
   * STORE_BUSY while another one is at it; MODEL_NAME_INVALID.
   */
  async begin(name: string, revision: string): Promise<Addition> {
    const lock = await this.#lock(name);
    try {
      const folder = path.join(this.folder, folderOf(name), revision);
      await storing(folder, async () => {
        await this.sweep(name, [revision]);
        await makeFolder(folder);
      });
      return new Addition(this, name, revision, folder, lock);
    } catch (error) {
      await lock.close();
      throw error;
    }
  }

  /**
   * Makes a name for another model's files, with settings of its own; replaces such a name. MODEL_EXISTS where a model has
   * files of its own under that name; MODEL_NAME_INVALID, STORE_BUSY.
   */
  async derive(name: string, { base, settings, description }: Derivation): Promise<void> {
    checkModelName(name);
    const present = this.find(name);
    if (present?.base === undefined || !isSameName(name, present.name)) this.checkFree(name, null);
    const own = present?.name ?? name;
    const manifest = makeManifest({
      name: own,
      aliases: [...(present?.aliases ?? [])],
      source: `made from ${base}`,
      addedAt: new Date().toISOString(),
      revision: noRevision,
      files: [],
      base,
      settings,
      description,
    });
    const lock = await this.#lock(own);
    try {
      await this.publish(manifest);
    } finally {
      await lock.close();
    }
  }

  /** Adds another name. MODEL_EXISTS when a model has it; MODEL_NOT_FOUND, MODEL_NAME_INVALID, STORE_BUSY. */
  async addAlias(name: string, alias: string): Promise<void> {
    const model = this.get(name);
    this.checkFree(alias, model.name);
    if ([model.name, ...model.aliases].includes(checkModelName(alias))) return;
    await this.#change(model.name, (manifest) => ({ ...manifest, aliases: [...manifest.aliases, alias] }));
  }

  /** Removes the model, or only the alias when `name` is one. MODEL_NOT_FOUND, MODEL_IN_USE, STORE_BUSY. */
  async remove(name: string): Promise<void> {
    const model = this.get(name);
    if (!isSameName(name, model.name)) {
      const aliases = model.aliases.filter((alias) => !isSameName(name, alias));
      await this.#change(model.name, (manifest) => ({ ...manifest, aliases }));
      return;
    }
    this.#checkUnused(model);
    const lock = await this.#lock(model.name);
    try {
      await storing(model.name, async () => {
        // The manifest first: what is left by a power cut then is no model, and goes with the next pull of this name.
        await rm(this.#manifestFile(model.name), { force: true });
        await syncFolder(this.folder);
        await removeTree(path.join(this.folder, folderOf(model.name)));
      });
    } finally {
      await lock.close();
    }
  }

  /** MODEL_EXISTS when a model other than `owner` has the name. */
  checkFree(name: string, owner: string | null): void {
    const found = this.find(name);
    if (!found || (owner !== null && isSameName(owner, found.name))) return;
    throw new HearthError("MODEL_EXISTS", `The store has a model ${JSON.stringify(found.name)} already.`, {
      param: "name",
    });
  }

  /** Throws what `remove` would, but for STORE_BUSY. */
  checkRemovable(name: string): void {
    const model = this.get(name);
    if (isSameName(name, model.name)) this.#checkUnused(model);
  }

  /** MODEL_IN_USE when other names stand for the model's files. */
  #checkUnused({ name, aliases }: StoredModel): void {
    const isMeant = (base: string) => [name, ...aliases].some((own) => isSameName(base, own));
    const users = this.scan().models.flatMap((other) => (other.base && isMeant(other.base) ? [other.name] : []));
    if (users.length === 0) return;
    throw new HearthError("MODEL_IN_USE", `${name} is what ${users.slice(0, 5).join(", ")} is made from.`, {
      param: "model",
      advice: "Remove the models that are made from it first.",
    });
  }

  /** For Addition: makes the model visible and removes what it replaces. */
  async publish(manifest: Manifest): Promise<StoredModel> {
    const file = this.#manifestFile(manifest.name);
    await storing(file, async () => {
      await writeDurably(file, writeManifest(manifest));
      await this.sweep(manifest.name, []);
    });
    return this.#open(manifest);
  }

  /** For Addition: removes the revisions that are neither the model's nor in `keep`. */
  async sweep(name: string, keep: readonly string[]): Promise<void> {
    const folder = path.join(this.folder, folderOf(name));
    if (!(await exists(folder))) return;
    const file = this.#manifestFile(name);
    const current = (await exists(file))
      ? readManifest(readSmallText(file, manifestBytes), path.basename(file)).revision
      : null;
    for (const revision of await readdir(folder)) {
      if (revision !== current && !keep.includes(revision)) await removeTree(path.join(folder, revision));
    }
  }

  async #change(name: string, change: (manifest: Manifest) => Manifest): Promise<void> {
    const lock = await this.#lock(name);
    try {
      const file = this.#manifestFile(name);
      await storing(file, async () => {
        const manifest = readManifest(readSmallText(file, manifestBytes), path.basename(file));
        await writeDurably(file, writeManifest(change(manifest)));
      });
    } finally {
      await lock.close();
    }
  }

  #open(manifest: Manifest): StoredModel {
    const folder = path.join(this.folder, folderOf(manifest.name), manifest.revision);
    const paths = manifest.files.map(({ name }) => path.join(folder, name));
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    return { ...manifest, path: paths[0] ?? "", paths, bytes };
  }

  #manifestFile(name: string): string {
    return path.join(this.folder, `${folderOf(name)}.json`);
  }

  /**
   * Tells other processes that a model's file is in use, until the result is called or the process ends. Does nothing for a file
   * outside the store, and where the store may not be written.
   */
  async use(file: string): Promise<() => Promise<void>> {
    const model = this.scan().models.find(({ path: own }) => own === file);
    for (let n = 0; model && n < mostUsers; n++) {
      const held = await tryHold(this.#usersFile(model.name, n), this.engine).catch(() => null);
      if (held) return () => held.close();
    }
    return async () => {};
  }

  /** Whether a process has said that it uses the model. */
  async isUsed(name: string): Promise<boolean> {
    const { name: own } = this.get(name);
    for (let n = 0; n < mostUsers; n++) {
      const file = this.#usersFile(own, n);
      if (!(await exists(file))) continue;
      const held = await tryHold(file, this.engine);
      if (!held) return true;
      await held.close();
    }
    return false;
  }

  #usersFile(name: string, n: number): string {
    return `${lockFileIn(this.folder, folderOf(name))}.used-${n}`;
  }

  /** Held until it is closed, or the process ends. */
  async #lock(name: string): Promise<FileHandle> {
    const held = await tryHold(lockFileIn(this.folder, folderOf(name)), this.engine);
    if (held) return held;
    throw new HearthError("STORE_BUSY", `Somebody else is changing the model ${name}.`);
  }
}

/** A model on its way into the store. Either `commit` or `release` ends it. */
export class Addition {
  readonly name: string;
  /** The folder that its files have to be in. */
  readonly folder: string;
  readonly #store: ModelStore;
  readonly #revision: string;
  readonly #lock: FileHandle;

  constructor(store: ModelStore, name: string, revision: string, folder: string, lock: FileHandle) {
    this.#store = store;
    this.name = name;
    this.#revision = revision;
    this.folder = folder;
    this.#lock = lock;
  }

  /** The place of the n-th of `parts` files. */
  file(part: number, parts: number): string {
    return path.join(this.folder, fileName(part, parts));
  }

  /** The files are in place: checks that they are GGUF, and makes them a model. */
  async commit(
    source: string,
    files: readonly Omit<ManifestFile, "name">[],
    settings?: ModelSettings,
  ): Promise<StoredModel> {
    const paths = files.map((_, part) => this.file(part, files.length));
    const description = await describeWholeModel(this.#store.engine, paths);
    const manifest = makeManifest({
      name: this.name,
      aliases: [...(this.#store.find(this.name)?.aliases ?? [])],
      source,
      addedAt: new Date().toISOString(),
      revision: this.#revision,
      files: files.map((file, part) => ({ name: fileName(part, files.length), ...file })),
      ...(settings && { settings }),
      description,
    });
    const model = await this.#store.publish(manifest);
    await this.#lock.close();
    return model;
  }

  /** Ends an addition that did not come about. What it left can be gone on with, unless `discard` removes it. */
  async release({ discard }: { discard: boolean }): Promise<void> {
    if (discard) await this.#store.sweep(this.name, []);
    // A folder that holds nothing to go on with says nothing.
    for (const folder of [this.folder, path.dirname(this.folder)]) await rmdir(folder).catch(() => {});
    await this.#lock.close();
  }
}
