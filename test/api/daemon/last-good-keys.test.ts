import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing } from "../../helpers/shared.js";

const skip = missing("models/stories260K.gguf");

test("a daemon keeps the keys of before when their file is damaged, and says so", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state, HEARTH_AUTH_MODE: "required" };
  const key = (await hearth(t, ["key", "create", "kitchen"], { env })).stdout.trim();
  const daemon = await startDaemon(t, { env });
  const status = async () =>
    (await fetch(`${daemon.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
  const condition = async () => {
    const { conditions } = (await (await fetch(`${daemon.url}/readyz`)).json()) as {
      conditions: { name: string; healthy: boolean; reason: string }[];
    };
    return conditions.find(({ name }) => name === "keys");
  };
  await daemon.logged("the model is ready");
  assert.equal(await status(), 200);
  assert.equal((await condition())?.healthy, true);
  const file = path.join(state, "keys.json");
  const sound = readFileSync(file, "utf8");
  writeFileSync(file, sound.slice(0, -20));
  assert.equal(await status(), 200);
  await daemon.logged("the keys cannot be read");
  assert.equal((await condition())?.healthy, false);
  assert.match((await condition())?.reason ?? "", /keys\.json.*stay valid/);
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200, "it serves");
  assert.equal(await status(), 200);
  assert.equal(daemon.log.filter(({ msg }) => msg === "the keys cannot be read").length, 1, "said once");
  writeFileSync(file, sound);
  assert.equal(await status(), 200);
  assert.equal((await condition())?.healthy, true);
  writeFileSync(file, '{"version":1,"keys":[]}');
  assert.equal(await status(), 401, "a sound file counts");
});
