import assert from "node:assert/strict";
import { test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { KeyFile } from "../../src/store/key-file.js";
import { temporaryFolder } from "../helpers/folder.js";

const locker = loadEngineModule();

test("keys that are made and revoked at once in many hands are all there, and gone", async (t) => {
  const folder = temporaryFolder(t);
  const wanted = {
    scopes: ["generate"],
    requestsPerMinute: null,
    concurrentRequests: null,
    priority: "default",
  } as const;
  const names = (prefix: string) => Array.from({ length: 20 }, (_, i) => `${prefix}${i}`);
  const create = (name: string) => new KeyFile(folder, locker).create({ ...wanted, name }, 0);
  await Promise.all(names("old").map(create));
  await Promise.all([
    ...names("new").map(create),
    ...names("old").map((name) => new KeyFile(folder, locker).revoke(name)),
  ]);
  const left = new KeyFile(folder, locker).keys().map(({ name }) => name);
  assert.deepEqual(left.sort(), names("new").sort());
});
