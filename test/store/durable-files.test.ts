import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { freshName, isFreshName, writeDurably } from "../../src/store/durable-files.js";
import { temporaryFolder } from "../helpers/folder.js";

test("each new file has a name of its own, and what a crash left of it is known by it", async (t) => {
  const file = path.join(temporaryFolder(t), "a.json");
  const names = new Set(Array.from({ length: 100 }, () => freshName(file)));
  assert.equal(names.size, 100);
  for (const name of names) assert.ok(isFreshName(path.basename(name), "a.json"));
  assert.ok(isFreshName("a.json.new", "a.json"));
  for (const name of ["a.json", "b.json.new", "a.json.b.json.0123456789ab.new", "a.json.old"]) {
    assert.ok(!isFreshName(name, "a.json"), name);
  }
});

test("a file is replaced as a whole, and what a crash left of it goes", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "a.json");
  await writeDurably(file, "old");
  for (const name of ["a.json.new", "a.json.0123456789ab.new"]) writeFileSync(path.join(folder, name), "of a crash");
  writeFileSync(path.join(folder, "b.json.0123456789ab.new"), "somebody else's");
  await writeDurably(file, "new");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.deepEqual(readdirSync(folder).sort(), ["a.json", "b.json.0123456789ab.new"]);
});

test("a write that fails leaves what was there and nothing else", async (t) => {
  const folder = temporaryFolder(t);
  const taken = path.join(folder, "folder");
  mkdirSync(taken);
  await assert.rejects(writeDurably(taken, "x"));
  assert.deepEqual(readdirSync(folder), ["folder"]);
});
