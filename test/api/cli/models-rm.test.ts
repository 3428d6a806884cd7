import assert from "node:assert/strict";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { model, skip } from "./service-files.js";

test("models rm refuses the configured model and a loaded one, unless it is forced", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  for (const name of ["a", "b"]) {
    const args = ["models", "import", model, "--name", name, "--alias", `${name}2`];
    assert.equal((await hearth(t, args, { env })).status, 0);
  }
  const rm = async (args: string[], more = {}) => hearth(t, ["models", "rm", ...args], { env: { ...env, ...more } });
  const configured = await rm(["a"], { HEARTH_MODEL: "a2" });
  assert.equal(configured.status, 2);
  assert.match(configured.stderr, /MODEL_IN_USE: "a" is the model of the configuration.*--force/);
  assert.equal((await rm(["a2"], { HEARTH_MODEL: "a2" })).status, 2);
  assert.equal((await rm(["a2"], { HEARTH_MODEL: "a" })).status, 0, "another name of it may go");

  const daemon = await startDaemon(t, { model: "b", env });
  await daemon.logged("the model is ready");
  const loaded = await rm(["b"]);
  assert.equal(loaded.status, 2);
  assert.match(loaded.stderr, /MODEL_IN_USE: "b" is loaded by a running daemon/);
  const byClient = await fetch(`${daemon.url}/api/delete`, {
    method: "DELETE",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "b" }),
  });
  assert.equal(byClient.status, 409);
  daemon.kill("SIGKILL");
  await daemon.exited;
  assert.equal((await rm(["b"])).status, 0, "a daemon that was killed uses nothing any more");
  assert.equal((await rm(["a", "--force"], { HEARTH_MODEL: "a" })).status, 0);
});
