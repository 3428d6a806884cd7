import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { DigestCache } from "../../../src/store/digest-cache.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { sha256 } from "../../helpers/made-models.js";
import type { Event } from "../../helpers/server.js";

const fail = (error: unknown) => assert.fail(String(error));

/** The digest that a daemon gives that starts, is asked once and stops. */
async function digestOf(file: string, kept: string): Promise<string> {
  const digests = new DigestCache(kept, fail);
  const digest = await digests.of(file);
  await digests.stop();
  return digest;
}

/** A file with the text "one", and the place of the list of digests. */
function makeFile(t: TestContext): { file: string; kept: string } {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "m.gguf");
  writeFileSync(file, "one");
  return { file, kept: path.join(folder, "state", "digests.json") };
}

test("the digest of a file is computed once, and kept over a restart", async (t) => {
  const { file, kept } = makeFile(t);
  assert.equal(await digestOf(file, kept), sha256("one"));
  const text = readFileSync(kept, "utf8");
  writeFileSync(kept, text.replace(sha256("one"), sha256("as kept")));
  assert.equal(await digestOf(file, kept), sha256("as kept"), "it was not read again");
});

test("the digest of a file that has changed is computed anew", async (t) => {
  const { file, kept } = makeFile(t);
  assert.equal(await digestOf(file, kept), sha256("one"));
  writeFileSync(file, "three");
  assert.equal(await digestOf(file, kept), sha256("three"));
});

test("a damaged list of digests is made anew", async (t) => {
  const { file, kept } = makeFile(t);
  assert.equal(await digestOf(file, kept), sha256("one"));
  writeFileSync(kept, "damaged");
  assert.equal(await digestOf(file, kept), sha256("one"));
});

test("a file that is missing has a stand-in for its digest", async (t) => {
  const { file, kept } = makeFile(t);
  assert.match(await digestOf(`${file}.missing`, kept), /^[0-9a-f]{64}$/);
});

test("a large file has a stand-in while it is read, and small ones do not wait for it", async (t) => {
  const folder = temporaryFolder(t);
  const [large, small] = [path.join(folder, "large"), path.join(folder, "small")];
  writeFileSync(large, "");
  truncateSync(large, 2 ** 32); // a hole, which takes long to read and no room
  writeFileSync(small, "small");
  const digests = new DigestCache(path.join(folder, "digests.json"), fail);
  const first = await digests.of(large);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await digests.of(small), sha256("small"));
  assert.equal(await digests.of(large), first);
  await digests.stop();
  assert.ok(
    !JSON.parse(readFileSync(path.join(folder, "digests.json"), "utf8")).some((each: Event) => each.path === large),
  );
});
