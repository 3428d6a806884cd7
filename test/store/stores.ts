import { writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { ModelStore } from "../../src/store/model-store.js";
import { temporaryFolder } from "../helpers/folder.js";

export const engine = loadEngineModule();

export const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;

export function makeStore(t: TestContext): {
  store: ModelStore;
  folder: string;
  file(name: string, bytes: Buffer): string;
} {
  const folder = temporaryFolder(t);
  return {
    store: new ModelStore(path.join(folder, "models"), engine),
    folder,
    file(name, bytes) {
      const file = path.join(folder, name);
      writeFileSync(file, bytes);
      return file;
    },
  };
}
