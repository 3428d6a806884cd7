import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { importModel } from "../../src/store/import-model.js";
import { ModelStore } from "../../src/store/model-store.js";
import { makeGguf } from "../helpers/gguf.js";
import { engine, makeStore, refused } from "./stores.js";

/** A store with the models `a` and `b`. */
async function storeOfTwo(t: TestContext) {
  const { store, file } = makeStore(t);
  await importModel(store, file("a.gguf", makeGguf({ bytes: 1000 })));
  await importModel(store, file("b.gguf", makeGguf({ bytes: 1000 })));
  return store;
}

test("a model has other names, which no other model may have", async (t) => {
  const store = await storeOfTwo(t);
  await store.addAlias("a", "assistant");
  assert.equal(store.find("Assistant:latest")?.name, "a");
  await assert.rejects(store.addAlias("b", "assistant"), refused("MODEL_EXISTS"));
  await assert.rejects(store.addAlias("b", "A"), refused("MODEL_EXISTS"));
  await assert.rejects(store.addAlias("b", "../b"), refused("MODEL_NAME_INVALID"));
});

test("removing one of a model's names keeps the model", async (t) => {
  const store = await storeOfTwo(t);
  await store.addAlias("a", "assistant");
  await store.remove("assistant");
  assert.equal(store.find("assistant"), null);
  assert.ok(existsSync(store.get("a").path));
});

test("removing a model frees its files", async (t) => {
  const store = await storeOfTwo(t);
  const { path: stored } = store.get("a");
  await store.remove("a");
  assert.ok(!existsSync(stored));
  await assert.rejects(store.remove("a"), refused("MODEL_NOT_FOUND"));
  assert.deepEqual(
    store.scan().models.map(({ name }) => name),
    ["b"],
  );
});

test("a store sees what another process's store changed", async (t) => {
  const { store, file } = makeStore(t);
  const other = new ModelStore(store.folder, engine);
  for (const name of ["a", "b", "c"]) {
    await importModel(other, file(`${name}.gguf`, makeGguf({ bytes: 1000 })));
    assert.equal(store.get(name).name, name);
  }
  await other.remove("b");
  assert.equal(store.find("b"), null);
});

test("a damaged manifest hides its own model only, and says so", async (t) => {
  const { store, file } = makeStore(t);
  await importModel(store, file("a.gguf", makeGguf({ bytes: 1000 })));
  const good = JSON.parse(readFileSync(path.join(store.folder, "a.json"), "utf8"));
  for (const hostile of [
    "{",
    JSON.stringify({ ...good, name: "../x" }),
    JSON.stringify({ ...good, revision: "../../../etc" }),
    JSON.stringify({ ...good, files: [{ ...good.files[0], name: "../../passwd.gguf" }] }),
  ]) {
    writeFileSync(path.join(store.folder, "b.json"), hostile);
    const { models, damaged } = new ModelStore(store.folder, engine).scan();
    assert.deepEqual(
      models.map(({ name }) => name),
      ["a"],
    );
    assert.ok(damaged[0] && refused("STORE_DAMAGED")(damaged[0]));
  }
});
