import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { lockFileIn, tryHold, withLock } from "../../src/store/file-lock.js";
import { temporaryFolder } from "../helpers/folder.js";

const locker = loadEngineModule();

test("what one does under a lock nobody else does meanwhile", async (t) => {
  const file = lockFileIn(temporaryFolder(t), "x");
  let inside = 0;
  const work = async () => {
    inside++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(inside, 1);
    inside--;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(file, locker, "busy", work)));
});

test("a lock that is not free in time is STORE_BUSY, and is free when its holder failed", async (t) => {
  const file = lockFileIn(temporaryFolder(t), "x");
  const held = await tryHold(file, locker);
  assert.ok(held);
  assert.equal(await tryHold(file, locker), null);
  const busy = (error: unknown) => error instanceof HearthError && error.code === "STORE_BUSY";
  await assert.rejects(
    withLock(file, locker, "Somebody else is at it.", async () => {}, 50),
    busy,
  );
  await held.close();
  const failing = withLock(file, locker, "", () => Promise.reject(new Error("mine")));
  await assert.rejects(failing, /mine/);
  assert.equal(await withLock(file, locker, "", async () => 7, 0), 7);
});
