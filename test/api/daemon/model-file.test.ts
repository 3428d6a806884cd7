import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth, spawnHearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { model, skip } from "../cli/service-files.js";

test("where the configured model is gone, Spark answers, and /readyz says why", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const file = path.join(temporaryFolder(t), "hearth.toml");
  for (const name of ["no-such-model", "/nowhere/model.gguf"]) {
    writeFileSync(file, `[model]\npath = "${name}"\n[server]\nlisten = "127.0.0.1:0"\n`);
    const child = spawnHearth(t, ["serve", "--config", file], { HEARTH_STATE: state });
    const address = await new Promise<string>((resolve) => {
      let text = "";
      child.stdout.on("data", (piece) => {
        text += piece;
        const found = /"address":"([^"]+)".*"msg":"listening"/.exec(text)?.[1];
        if (found) resolve(found);
      });
    });
    let ready = await fetch(`http://${address}/readyz`);
    for (; ready.status === 503; ready = await fetch(`http://${address}/readyz`)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { conditions } = (await ready.json()) as { conditions: { name: string; healthy: boolean; reason: string }[] };
    const condition = conditions.find((each) => each.name === "configured_model");
    assert.equal(condition?.healthy, false);
    assert.ok(condition.reason.includes(name), condition.reason);
    const models = (await (await fetch(`http://${address}/v1/models`)).json()) as { data: { id: string }[] };
    assert.ok(models.data.some(({ id }) => id === "spark"));
    child.kill("SIGTERM");
    assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
  }
});

test("a stored model that a flag names, and whose file is gone, is an error", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  assert.equal((await hearth(t, ["models", "import", model, "--name", "a"], { env })).status, 0);
  rmSync(path.join(state, "models", "a"), { recursive: true });
  const byFlag = await hearth(t, ["serve", "--listen", "127.0.0.1:0", "--model", "a"], { env });
  assert.equal(byFlag.status, 2);
  assert.match(byFlag.stderr, /FILE_OPEN_FAILED: .*ENOENT/);
});
