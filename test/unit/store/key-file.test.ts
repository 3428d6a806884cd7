import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { hashKey } from "../../../src/base/api-key.js";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";
import { KeyFile } from "../../../src/store/key-file.js";
import { FakeEngineModule } from "../../fake-engine/module.js";
import { temporaryFolder } from "../../helpers/folder.js";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;
const wanted = { scopes: ["generate"], requestsPerMinute: null, concurrentRequests: 2, priority: "low" } as const;

function files(t: TestContext): { mine: KeyFile; daemons: KeyFile; folder: string } {
  const folder = path.join(temporaryFolder(t), "state");
  return {
    mine: new KeyFile(folder, new FakeEngineModule()),
    daemons: new KeyFile(folder, new FakeEngineModule()),
    folder,
  };
}

test("a key is made once and kept as a hash, in a file that only its owner reads", async (t) => {
  const { mine, daemons, folder } = files(t);
  assert.deepEqual(daemons.keys(), []);
  const { key, stored } = await mine.create({ ...wanted, name: "kitchen" }, 1000);
  assert.match(key, /^hearth_[\w-]{43}$/);
  assert.deepEqual(daemons.keys(), [
    { ...wanted, name: "kitchen", id: stored.id, hash: hashKey(key), createdAt: 1000 },
  ]);
  const text = readFileSync(mine.path, "utf8");
  assert.ok(!text.includes(key.slice("hearth_".length)));
  assert.equal(statSync(mine.path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder).sort(), [".locks", "keys.json"]);
});

test("another process sees a new key and a revoked one without being told", async (t) => {
  const { mine, daemons } = files(t);
  await mine.create({ ...wanted, name: "a" }, 0);
  const { stored } = await mine.create({ ...wanted, name: "b" }, 0);
  assert.deepEqual(
    daemons.keys().map(({ name }) => name),
    ["a", "b"],
  );
  await mine.revoke("a");
  assert.deepEqual(
    daemons.keys().map(({ name }) => name),
    ["b"],
  );
  await mine.revoke(stored.id);
  assert.deepEqual(daemons.keys(), []);
});

test("names are unique and plain", async (t) => {
  const { mine } = files(t);
  await mine.create({ ...wanted, name: "a" }, 0);
  await assert.rejects(mine.create({ ...wanted, name: "a" }, 0), hasCode("COMMAND_INVALID"));
  for (const name of ["", "1a", "a b", "../a", "a/b", "x".repeat(65), "a\n"]) {
    await assert.rejects(mine.create({ ...wanted, name }, 0), hasCode("COMMAND_INVALID"), JSON.stringify(name));
  }
});

test("an unknown key cannot be revoked", async (t) => {
  const { mine } = files(t);
  await assert.rejects(mine.revoke("b"), hasCode("COMMAND_INVALID"));
});

test("a file that holds no keys lets nobody in and is not overwritten", async (t) => {
  const { mine } = files(t);
  await mine.create({ ...wanted, name: "a" }, 0);
  for (const text of ["", "{", "[]", '{"version":2,"keys":[]}', '{"version":1,"keys":[{"name":"a"}]}']) {
    writeFileSync(mine.path, text);
    assert.throws(() => mine.keys(), hasCode("KEY_FILE_INVALID"), text);
    await assert.rejects(mine.create({ ...wanted, name: "b" }, 0), hasCode("KEY_FILE_INVALID"));
    assert.equal(readFileSync(mine.path, "utf8"), text);
  }
});

test("where the folder cannot be written, the old keys stay", {
  skip: process.getuid?.() === 0 && "root may write anywhere",
}, async (t) => {
  const { mine, folder } = files(t);
  await mine.create({ ...wanted, name: "a" }, 0);
  chmodSync(folder, 0o500);
  await assert.rejects(mine.create({ ...wanted, name: "b" }, 0), hasCode("FILE_WRITE_FAILED"));
  chmodSync(folder, 0o700);
  assert.deepEqual(readdirSync(folder).sort(), [".locks", "keys.json"]);
  assert.equal(mine.keys().length, 1);
});

test("one key too many is refused, and the file stays readable", async (t) => {
  const { mine } = files(t);
  const { stored } = await mine.create({ ...wanted, name: "a" }, 0);
  const keys = Array.from({ length: 4096 }, (_, i) => ({ ...stored, name: `k${i}` }));
  writeFileSync(mine.path, JSON.stringify({ version: 1, keys }));
  await assert.rejects(mine.create({ ...wanted, name: "b" }, 0), hasCode("COMMAND_INVALID"));
  assert.equal(mine.keys().length, 4096);
});
