import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { optionKeys, optionOf } from "../../../src/config/options.js";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";

test("--print-config shows values with their origins, and can be read back", async (t) => {
  const { status, stdout } = await hearth(t, ["serve", "--print-config", "--slots", "3"], {
    env: { HEARTH_ISA: "ref" },
  });
  assert.equal(status, 0);
  assert.match(stdout, /^scheduler\.slots = 3 {2}# flag --slots$/m);
  assert.match(stdout, /^engine\.isa = "ref" {2}# environment HEARTH_ISA$/m);
  assert.match(stdout, /^log\.prompts = false {2}# default$/m);
  const file = path.join(temporaryFolder(t), "hearth.toml");
  writeFileSync(file, stdout);
  const again = await hearth(t, ["serve", "--print-config", "--config", file]);
  assert.match(again.stdout, /^scheduler\.slots = 3 {2}# file .*hearth\.toml$/m);
});

test("--print-config names each option's variable and flag", async (t) => {
  const { stdout } = await hearth(t, ["serve", "--print-config"]);
  for (const key of optionKeys) {
    const { env, flag } = optionOf(key);
    assert.ok(stdout.includes(` ${env}${flag ? ` or --${flag}` : ""}.\n${key} = `), key);
  }
});
