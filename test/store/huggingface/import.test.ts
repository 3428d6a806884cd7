/** `hearth models import FOLDER`: a Hugging Face folder becomes a model of the store. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, truncateSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { loadEngineModule } from "../../../src/engine/binding.js";
import { importFolder } from "../../../src/store/huggingface/import.js";
import { ModelStore } from "../../../src/store/model-store.js";
import { verifyModel } from "../../../src/store/verify-model.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { readGguf } from "../../helpers/gguf-reader.js";
import { writeFolder } from "../../helpers/hugging-face.js";
import { missing, shared } from "../../helpers/shared.js";

const file = "golden/arch/qwen2.gguf";
const skip = missing(file);
const engine = loadEngineModule();

test("a folder is converted, quantized, hashed and stored", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const source = path.join(folder, "My Qwen");
  mkdirSync(source);
  writeFolder(source, readGguf(shared(file)), { shards: 2 });
  const store = new ModelStore(path.join(folder, "models"), engine);
  const phases = new Set<string>();
  const model = await importFolder(store, source, { type: "q8_0", onProgress: ({ phase }) => phases.add(phase) });
  assert.equal(model.name, "My-Qwen");
  assert.equal(model.description.type, "Q8_0");
  assert.equal(model.description.title, "My Qwen");
  assert.deepEqual([...phases], ["convert", "verify"]);
  await verifyModel(model);
  await assert.rejects(importFolder(store, source), { code: "MODEL_EXISTS" });
});

test("a damaged folder leaves nothing in the store", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const source = path.join(folder, "cut");
  mkdirSync(source);
  writeFolder(source, readGguf(shared(file)));
  truncateSync(path.join(source, "model.safetensors"), 100_000);
  const store = new ModelStore(path.join(folder, "models"), engine);
  await assert.rejects(importFolder(store, source), { code: "IMPORT_BAD_TENSOR" });
  assert.deepEqual(store.scan().models, []);
  const left = existsSync(store.folder) ? readdirSync(store.folder, { recursive: true }) : [];
  assert.deepEqual(
    left.filter((name) => String(name).includes("gguf")),
    [],
  );
});
