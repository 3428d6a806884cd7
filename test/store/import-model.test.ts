import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { importModel } from "../../src/store/import-model.js";
import { verifyModel } from "../../src/store/verify-model.js";
import { makeGguf } from "../helpers/gguf.js";
import { makeStore, refused } from "./stores.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("an imported model is in the store with its hash and what its header says", async (t) => {
  const { store, file } = makeStore(t);
  const bytes = makeGguf({ bytes: 3_000_000, architecture: "qwen3", keys: { "general.file_type": 15 } });
  const seen: number[] = [];
  const model = await importModel(store, file("My model.gguf", bytes), { onProgress: (p) => seen.push(p.completed) });
  assert.equal(model.name, "My-model");
  assert.deepEqual(
    model.files.map(({ sha256 }) => sha256),
    [sha256(bytes)],
  );
  assert.equal(model.description.architecture, "qwen3");
  assert.equal(model.description.type, "Q4_K_M");
  assert.equal(model.description.parameters, 750_000);
  assert.ok(readFileSync(model.path).equals(bytes));
  assert.equal(seen.at(-1), bytes.length);
  assert.deepEqual(store.scan().models, [model]);
  await verifyModel(store.get("my-MODEL"));
});

test("the parts of a split model are imported together, from any of them", async (t) => {
  const { store, file } = makeStore(t);
  const parts = [1, 2, 3].map((seed) => makeGguf({ bytes: 1000 * seed, seed, keys: { "split.count": 3 } }));
  const files = parts.map((bytes, i) => file(`big-0000${i + 1}-of-00003.gguf`, bytes));
  const model = await importModel(store, files[1] ?? "");
  assert.equal(model.name, "big");
  assert.deepEqual(
    model.files.map(({ name }) => name),
    [1, 2, 3].map((part) => `model-0000${part}-of-00003.gguf`),
  );
  assert.equal(model.description.parameters, 1500);
  for (const [i, bytes] of parts.entries()) assert.ok(readFileSync(model.paths[i] ?? "").equals(bytes));
  rmSync(files[2] ?? "");
  await assert.rejects(importModel(store, files[0] ?? "", { name: "other" }), refused("FILE_OPEN_FAILED"));
});

test("what is no GGUF file, has a taken name, or a name that is none leaves nothing behind", async (t) => {
  const { store, file } = makeStore(t);
  const good = file("a.gguf", makeGguf({ bytes: 1000 }));
  await importModel(store, good);
  const before = readdirSync(store.folder, { recursive: true }).toSorted();
  const broken = file("b.gguf", makeGguf({ bytes: 1000 }).subarray(0, 700));
  await assert.rejects(importModel(store, broken), refused("GGUF_TENSOR_OUT_OF_BOUNDS"));
  await assert.rejects(importModel(store, file("c.gguf", Buffer.from("no"))), refused("GGUF_BAD_MAGIC"));
  await assert.rejects(importModel(store, good), refused("MODEL_EXISTS"));
  await assert.rejects(importModel(store, good, { name: "A" }), refused("MODEL_EXISTS"));
  await assert.rejects(importModel(store, good, { name: "../a" }), refused("MODEL_NAME_INVALID"));
  await assert.rejects(importModel(store, path.join(store.folder, "none.gguf")), refused("FILE_OPEN_FAILED"));
  assert.deepEqual(readdirSync(store.folder, { recursive: true }).toSorted(), before);
});

test("a failed import never removes the model that another one added meanwhile", async (t) => {
  const { store, file } = makeStore(t);
  const source = file("a.gguf", makeGguf({ bytes: 3_000_000 }));
  const results = await Promise.allSettled([importModel(store, source), importModel(store, source)]);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
  assert.ok(["STORE_BUSY", "MODEL_EXISTS"].includes(failures[0]));
  await verifyModel(store.get("a"));
});
