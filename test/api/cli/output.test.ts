import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { model, skip } from "./commands.js";

test("what is written into a pipe is whole, however slowly it is read", { skip }, async (t) => {
  const texts = Array.from({ length: 4000 }, () => "Once upon a time there was a little girl");
  const through = ["sh", "-c", '"$@" | { sleep 2; cat; }', "sh"];
  const { status, stdout } = await hearth(t, ["debug", "tokenize", model], { stdin: JSON.stringify(texts), through });
  assert.equal(status, 0);
  assert.ok(stdout.length > 64 * 1024, `${stdout.length} characters say nothing`);
  assert.equal(stdout.split("\n").length, texts.length + 1);
});

test("output that cannot be written is an error", { skip }, async (t) => {
  const through = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
  for (const args of [
    [],
    ["--help"],
    ["--version"],
    ["serve", "--print-config"],
    ["models", "list"],
    ["key", "list"],
  ]) {
    const { status, stderr } = await hearth(t, args, { through });
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /^hearth: DISK_FULL: stdout: ENOSPC/, args.join(" "));
  }
});

test("a reader of the output that went away is no error", { skip }, async (t) => {
  const head = ["bash", "-c", '"$@" | head -c 1 > /dev/null; exit $PIPESTATUS', "bash"];
  const { status, stderr } = await hearth(t, ["serve", "--print-config"], { through: head });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("--json makes one object of every command's result", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const env = { HEARTH_STATE: path.join(folder, "state") };
  const object = async (args: string[], stdin = "") => {
    const { status, stdout, stderr } = await hearth(t, [...args, "--json"], { env, stdin });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  const answer = await object(["run", model, "--prompt", "Once", "--max-tokens", "4", "--temperature", "0"]);
  assert.equal(answer.model, "stories260K");
  assert.equal(answer.reason, "length");
  assert.equal(answer.usage.generatedTokens, 4);
  assert.ok(answer.text.length > 0);
  assert.deepEqual((await object(["debug", "tokenize", model], '["a", ""]')).tokens.length, 2);
  const out = path.join(folder, "logits");
  assert.deepEqual(await object(["debug", "logits", model, "--tokens", "1 2", "--out", out]), { file: out, tokens: 2 });
  assert.equal((await object(["models", "import", model])).store, path.join(env.HEARTH_STATE, "models"));
  assert.equal(typeof (await object(["models", "show", "stories260k"])).name, "string");
  assert.equal((await object(["models", "show", "stories260k", "--template"])).name, "stories260K");
  assert.deepEqual((await object(["models", "verify"])).sound, ["stories260K"]);
  assert.deepEqual((await object(["models", "list"])).length, 2);
  assert.deepEqual((await object(["models", "rm", "stories260k"])).removed, ["stories260k"]);
  assert.equal((await object(["key", "create", "a"])).file, path.join(env.HEARTH_STATE, "keys.json"));
  assert.equal((await object(["key", "list"])).length, 1);
  assert.equal((await object(["key", "revoke", "a"])).name, "a");
  assert.ok((await object(["serve", "--print-config"])).length > 20);
});
