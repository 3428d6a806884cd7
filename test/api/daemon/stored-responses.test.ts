import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing } from "../../helpers/shared.js";

const skip = missing("models/stories260K.gguf");

test("two daemons of one state folder: the second keeps responses in memory and touches nothing of the first's", {
  skip,
}, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  const first = await startDaemon(t, { env });
  // The first daemon has such a file while it writes.
  writeFileSync(path.join(state, "responses", "resp_1.json.0123456789ab.new"), "half");
  writeFileSync(path.join(state, "prefixes", "half.tmp"), "half");
  const second = await startDaemon(t, { env });
  await second.logged("documents cannot be written and stay in memory");
  await second.logged("prefixes cannot be stored");
  assert.ok(existsSync(path.join(state, "responses", "resp_1.json.0123456789ab.new")));
  assert.ok(existsSync(path.join(state, "prefixes", "half.tmp")));
  second.kill("SIGTERM");
  assert.equal(await second.exited, 0);
  first.kill("SIGKILL");
  await first.exited;
  const third = await startDaemon(t, { env });
  await third.logged("the model is ready");
  assert.ok(!existsSync(path.join(state, "responses", "resp_1.json.0123456789ab.new")), "of a crash");
  assert.ok(!third.log.some(({ msg }) => msg.includes("cannot be")));
});
