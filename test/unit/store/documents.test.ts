import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { createLogger, silentLogger } from "../../../src/base/logger.js";
import { type DocumentLimits, DocumentStore } from "../../../src/store/documents.js";
import { FakeEngineModule } from "../../fake-engine/module.js";
import { temporaryFolder } from "../../helpers/folder.js";

const roomy: DocumentLimits = { bytes: 1_000_000, documents: 100, ageMs: 1_000_000_000_000_000 };

function opener(t: TestContext, limits: Partial<DocumentLimits> = {}, keepsDamaged = false) {
  const folder = path.join(temporaryFolder(t), "documents");
  const clock = new FakeClock();
  const open = async (version = 1, logger = silentLogger()) => {
    const options = { folder, idPattern: /^d\d+$/, version, limits: { ...roomy, ...limits }, keepsDamaged };
    const store = new DocumentStore<{ text: string }>(options, {
      clock,
      logger,
      locker: new FakeEngineModule(),
    });
    await store.start();
    return store;
  };
  return { folder, clock, open };
}

test("a document is there at once and after a restart, for its owner alone", async (t) => {
  const { folder, open } = opener(t);
  const store = await open();
  store.put("d1", "kitchen", { text: "é" });
  assert.deepEqual(await store.get("d1", "kitchen"), { text: "é" });
  assert.equal(await store.get("d1", "garage"), undefined);
  assert.equal(await store.delete("d1", "garage"), false);
  await store.stop();
  assert.deepEqual(readdirSync(folder), ["d1.json"]);
  assert.equal(statSync(path.join(folder, "d1.json")).mode & 0o777, 0o600);
  const again = await open();
  assert.deepEqual(await again.get("d1", "kitchen"), { text: "é" });
  assert.equal(await again.get("d1", "garage"), undefined);
  assert.equal(await again.delete("d1", "kitchen"), true);
  assert.equal(await again.get("d1", "kitchen"), undefined);
  await again.stop();
  assert.deepEqual(readdirSync(folder), []);
});

test("of versions that come quickly one after the other the last one is kept", async (t) => {
  const { folder, open } = opener(t);
  const store = await open();
  for (let i = 1; i <= 5; i++) store.put("d1", "", { text: `version ${i}` });
  await new Promise((resolve) => setTimeout(resolve, 1));
  for (let i = 6; i <= 8; i++) store.put("d1", "", { text: `version ${i}` });
  assert.deepEqual(await store.get("d1", ""), { text: "version 8" });
  await store.stop();
  assert.deepEqual(readdirSync(folder), ["d1.json"]);
  assert.deepEqual(await (await open()).get("d1", ""), { text: "version 8" });
});

test("while a newer version is written the one before is on disk", async (t) => {
  const { folder, open } = opener(t);
  const first = await open();
  first.put("d1", "", { text: "old" });
  await first.stop();
  const store = await open();
  store.put("d1", "", { text: "new" });
  let isWritten = false;
  const written = store.stop().then(() => (isWritten = true));
  for (; !isWritten; await new Promise((resolve) => setImmediate(resolve))) {
    assert.ok(existsSync(path.join(folder, "d1.json")), "a power cut now would lose both");
  }
  await written;
});

test("what is kept or deleted is so on disk when it is confirmed, also where versions overtake each other", async (t) => {
  const { folder, open } = opener(t);
  const store = await open();
  const file = path.join(folder, "d1.json");
  const onDisk = () => JSON.parse(readFileSync(file, "utf8").split("\n")[1] ?? "").content.text;
  await store.keep("d1", "a", { text: "first" });
  assert.equal(onDisk(), "first");
  const second = store.keep("d1", "a", { text: "second" });
  const third = store.keep("d1", "a", { text: "third" });
  await second;
  assert.ok(["second", "third"].includes(onDisk()), onDisk());
  await third;
  assert.equal(onDisk(), "third");
  assert.equal(await store.delete("d1", "b"), false);
  assert.equal(await store.delete("d1", "a"), true);
  assert.equal(existsSync(file), false);
  await store.stop();
});

test("what cannot be kept is refused, and what there was before is back", async (t) => {
  const { folder, open } = opener(t);
  const store = await open();
  await store.keep("d1", "a", { text: "old" });
  const bytes = store.bytes;
  renameSync(folder, `${folder}.away`);
  for (const id of ["d1", "d2"]) {
    await assert.rejects(store.keep(id, "a", { text: "a longer one" }), { code: "FILE_WRITE_FAILED" });
  }
  assert.equal(store.bytes, bytes);
  assert.equal(await store.get("d2", "a"), undefined);
  renameSync(`${folder}.away`, folder);
  assert.deepEqual(await store.get("d1", "a"), { text: "old" });
  await store.keep("d2", "a", { text: "there is room again" });
  await store.stop();
  assert.deepEqual(readdirSync(folder).sort(), ["d1.json", "d2.json"]);
});

test("a file that cannot be read now, or is of another version, stays where it is", async (t) => {
  const { folder, open } = opener(t);
  const first = await open();
  first.put("d1", "", { text: "kept" });
  await first.stop();
  const newer = await open(2);
  assert.equal(await newer.get("d1", ""), undefined);
  await newer.stop();
  const file = path.join(folder, "d1.json");
  const again = await open();
  renameSync(file, `${file}.aside`);
  mkdirSync(file); // EISDIR for whoever reads it
  assert.equal(await again.get("d1", ""), undefined);
  rmdirSync(file);
  renameSync(`${file}.aside`, file);
  assert.deepEqual(await again.get("d1", ""), { text: "kept" });
  await again.stop();
});

test("of more documents than may be kept the oldest make room", async (t) => {
  const { folder, open } = opener(t, { documents: 3 });
  const store = await open();
  for (let i = 0; i < 10; i++) store.put(`d${i}`, "", { text: "x" });
  assert.equal(await store.get("d6", ""), undefined);
  assert.deepEqual(await store.get("d7", ""), { text: "x" });
  await store.stop();
  assert.deepEqual(readdirSync(folder).sort(), ["d7.json", "d8.json", "d9.json"]);
});

test("documents take no more bytes than they may, and one that can never fit is not kept", async (t) => {
  const bytes = opener(t, { bytes: 2000 });
  const small = await bytes.open();
  for (let i = 0; i < 10; i++) small.put(`d${i}`, "", { text: "x".repeat(700) });
  assert.ok(small.bytes <= 2000);
  small.put("d50", "", { text: "x".repeat(5000) }); // can never fit
  assert.equal(await small.get("d50", ""), undefined);
  await small.stop();
});

test("a document of the limit's age is gone, before and after a restart", async (t) => {
  const { folder, clock, open } = opener(t, { ageMs: 1000 });
  const store = await open();
  store.put("d1", "", { text: "x" });
  await clock.advance(1001);
  assert.equal(await store.get("d1", ""), undefined);
  store.put("d2", "", { text: "y" });
  await store.stop();
  assert.deepEqual(readdirSync(folder), ["d2.json"]);
});

test("a damaged, foreign or half-written file costs that document and nothing else", async (t) => {
  const { folder, open } = opener(t);
  const store = await open();
  for (let i = 0; i < 4; i++) store.put(`d${i}`, "", { text: `text ${i}` });
  await store.stop();
  const file = (name: string) => path.join(folder, name);
  truncateSync(file("d0.json"), 80);
  writeFileSync(file("d1.json"), readFileSync(file("d1.json"), "utf8").replace("text 1", "text 9"));
  writeFileSync(file("d2.json.abc.new"), "half");
  writeFileSync(file("../outside.json"), "not ours");
  writeFileSync(file("notes.txt"), "not ours");
  const again = await open();
  assert.equal(await again.get("d0", ""), undefined);
  assert.equal(await again.get("d1", ""), undefined);
  assert.deepEqual(await again.get("d2", ""), { text: "text 2" });
  assert.equal(await again.get("../outside", ""), undefined);
  await again.stop();
  assert.deepEqual(readdirSync(folder).sort(), ["d2.json", "d3.json", "notes.txt"]);
  assert.equal(await (await open(2)).get("d2", ""), undefined, "another version");
  assert.throws(() => again.put("../x", "", { text: "" }), RangeError);
});

test("a damaged document that its store keeps stays beside the others, and the log tells it once", async (t) => {
  const { folder, open } = opener(t, {}, true);
  const store = await open();
  store.put("d0", "", { text: "old" });
  await store.stop();
  const file = path.join(folder, "d0.json");
  const damaged = readFileSync(file, "utf8").replace("old", "odd");
  writeFileSync(file, damaged);
  const lines: string[] = [];
  const again = await open(1, createLogger({ level: "warn", prompts: false }, { write: (line) => lines.push(line) }));
  for await (const each of again.all()) assert.fail(`${each.id} is damaged`);
  assert.equal(await again.get("d0", ""), undefined);
  again.put("d0", "", { text: "new" });
  assert.deepEqual(await again.get("d0", ""), { text: "new" });
  await again.stop();
  assert.deepEqual(readdirSync(folder).sort(), ["d0.damaged", "d0.json"]);
  assert.equal(readFileSync(path.join(folder, "d0.damaged"), "utf8"), damaged);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /is damaged, and is kept as .*d0\.damaged/);
  const third = await open();
  assert.deepEqual(await third.get("d0", ""), { text: "new" });
  await third.stop();
});

test("where nothing can be written, documents live as long as the process", async (t) => {
  const folder = path.join(temporaryFolder(t), "file");
  writeFileSync(folder, "no folder");
  const options = { folder, idPattern: /^d\d+$/, version: 1, limits: roomy };
  const store = new DocumentStore(options, {
    clock: new FakeClock(),
    logger: silentLogger(),
    locker: new FakeEngineModule(),
  });
  await store.start();
  store.put("d1", "", { text: "x" });
  await store.keep("d2", "", { text: "y" });
  await store.stop();
  assert.deepEqual(await store.get("d1", ""), { text: "x" });
  assert.deepEqual(await store.get("d2", ""), { text: "y" });
});
