import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { importModel } from "../../src/store/import-model.js";
import { ModelStore } from "../../src/store/model-store.js";
import { verifyModel } from "../../src/store/verify-model.js";
import { hearth } from "../helpers/command.js";
import { temporaryFolder } from "../helpers/folder.js";
import { makeGguf } from "../helpers/gguf.js";
import { missing, shared } from "../helpers/shared.js";

const engine = loadEngineModule();
const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function makeStore(t: TestContext): { store: ModelStore; folder: string; file(name: string, bytes: Buffer): string } {
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

test("a model has other names; removing one keeps the model, removing the model frees its files", async (t) => {
  const { store, file } = makeStore(t);
  await importModel(store, file("a.gguf", makeGguf({ bytes: 1000 })));
  await importModel(store, file("b.gguf", makeGguf({ bytes: 1000 })));
  await store.addAlias("a", "assistant");
  assert.equal(store.find("Assistant:latest")?.name, "a");
  await assert.rejects(store.addAlias("b", "assistant"), refused("MODEL_EXISTS"));
  await assert.rejects(store.addAlias("b", "A"), refused("MODEL_EXISTS"));
  await assert.rejects(store.addAlias("b", "../b"), refused("MODEL_NAME_INVALID"));
  await store.remove("assistant");
  assert.equal(store.find("assistant"), null);
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

test("the commands import, list, show, verify and remove, and run serves by name", {
  skip: missing("models/stories260K.gguf"),
}, async (t) => {
  const state = temporaryFolder(t);
  const command = (...args: string[]) => hearth(t, args, { env: { HEARTH_STATE: state } });
  const source = path.join(state, "Stories.gguf");
  copyFileSync(shared("models/stories260K.gguf"), source);

  const imported = await command("models", "import", source, "--name", "stories:260k", "--alias", "tiny");
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stdout, /^stories:260k: 1\.2 MB in the store\n$/);

  const listed = await command("models", "list");
  assert.match(listed.stdout, /^NAME +SIZE +TYPE +ARCHITECTURE +ADDED \(UTC\)\n/);
  assert.match(listed.stdout, /^stories:260k, tiny +1\.2 MB +F32 +llama +20\d\d-/m);
  assert.match(listed.stdout, /^spark +/m);
  const [first] = JSON.parse((await command("models", "list", "--json")).stdout);
  assert.equal(first.name, "stories:260k");
  assert.equal(first.architecture, "llama");

  const shown = await command("models", "show", "tiny");
  assert.match(shown.stdout, /^parameters +293 k$/m);
  assert.match(shown.stdout, /^memory +1\.3 MB with a context of 128$/m);

  const answer = await command(
    "run",
    "stories:260k",
    "--prompt",
    "Once upon a time",
    "--max-tokens",
    "3",
    "--seed",
    "1",
  );
  assert.equal(answer.status, 0, answer.stderr);
  const unknown = await command("run", "stories:1m", "--prompt", "x");
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /MODEL_NOT_FOUND/);

  const verified = await command("models", "verify");
  assert.equal(verified.stdout, "stories:260k: sound\n");
  const removed = await command("models", "rm", "stories:260k");
  assert.equal(removed.status, 0, removed.stderr);
  assert.doesNotMatch((await command("models", "list")).stdout, /stories/);
});

test("verify of a damaged model ends with 2 and names the file", async (t) => {
  const { store, folder, file } = makeStore(t);
  const { path: stored } = await importModel(store, file("a.gguf", makeGguf({ bytes: 5000 })));
  truncateSync(stored, 100);
  const result = await hearth(t, ["models", "verify", "a"], { env: { HEARTH_STATE: folder } });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /STORE_DAMAGED: a: .*model\.gguf has 100 bytes/);
});
