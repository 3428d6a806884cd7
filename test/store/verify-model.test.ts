import assert from "node:assert/strict";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { importModel } from "../../src/store/import-model.js";
import { verifyModel } from "../../src/store/verify-model.js";
import { hearth } from "../helpers/command.js";
import { makeGguf } from "../helpers/gguf.js";
import { makeStore, refused } from "./stores.js";

test("verify finds a changed byte, a missing byte and a missing file", async (t) => {
  const { store, file } = makeStore(t);
  const bytes = makeGguf({ bytes: 5000 });
  const { path: stored } = await importModel(store, file("a.gguf", bytes));
  const other = Buffer.from(bytes);
  other[4000] = (other[4000] ?? 0) ^ 1;
  writeFileSync(stored, other);
  await assert.rejects(verifyModel(store.get("a")), /SHA-256/);
  truncateSync(stored, 4999);
  await assert.rejects(verifyModel(store.get("a")), refused("STORE_DAMAGED"));
  rmSync(stored);
  await assert.rejects(verifyModel(store.get("a")), /is missing/);
});

test("verify of a damaged model ends with 2 and names the file", async (t) => {
  const { store, folder, file } = makeStore(t);
  const { path: stored } = await importModel(store, file("a.gguf", makeGguf({ bytes: 5000 })));
  truncateSync(stored, 100);
  const result = await hearth(t, ["models", "verify", "a"], { env: { HEARTH_STATE: folder } });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /STORE_DAMAGED: a: .*model\.gguf has 100 bytes/);
});
