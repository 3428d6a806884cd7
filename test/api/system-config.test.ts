/** One configuration and one store: on a machine with the service, its commands work on the service's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Command } from "commander";
import { HearthError } from "../../src/base/errors.js";
import { configFile, configurationOf } from "../../src/cli/configuration.js";
import { describeFailure, withSudo } from "../../src/cli/exit-status.js";
import { hearth, spawnHearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing, root, shared } from "../helpers/shared.js";

const stories = "models/stories260K.gguf";
const skip = missing(stories);
const model = shared(stories);

/** Runs a command on a machine whose /etc/hearth/hearth.toml is `file`. */
async function onMachine(t: TestContext, file: string, args: readonly string[]) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HEARTH|NODE_TEST)_/.test(name));
  const program = path.join(root, "test", "helpers", "program.ts");
  const child = spawn(process.execPath, ["--import", "tsx", program, file, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), XDG_DATA_HOME: temporaryFolder(t) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, stdout, stderr };
}

function machine(t: TestContext): { file: string; state: string } {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "hearth.toml");
  const state = path.join(folder, "state");
  writeFileSync(file, `[state]\npath = "${state}"\n[engine]\nisa = "ref"\n`);
  return { file, state };
}

test("commands use the service's configuration where there is one, and say which store they wrote to", {
  skip,
}, async (t) => {
  const { file, state } = machine(t);
  const key = await onMachine(t, file, ["key", "create", "kitchen"]);
  assert.equal(key.status, 0, key.stderr);
  assert.ok(existsSync(path.join(state, "keys.json")));
  assert.ok(key.stderr.includes(path.join(state, "keys.json")), key.stderr);
  const imported = await onMachine(t, file, ["models", "import", model]);
  assert.equal(imported.status, 0, imported.stderr);
  assert.ok(imported.stderr.includes(path.join(state, "models")), imported.stderr);
  const removed = await onMachine(t, file, ["models", "rm", "stories260k"]);
  assert.ok(removed.stderr.includes(path.join(state, "models")), removed.stderr);
});

test("every command takes the service's configuration and --config", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "wrong.toml");
  writeFileSync(file, "[server]\nlisten = 5\n");
  const commands = [
    ["serve"],
    ["run", model, "--prompt", "a"],
    ["bench", model],
    ["tune", model],
    ["models", "list"],
    ["models", "verify"],
    ["quantize", model, path.join(folder, "out"), "q8_0"],
    ["key", "list"],
    ["debug", "tokenize", model],
    ["debug", "logits", model, "--tokens", "1", "--out", path.join(folder, "out")],
  ];
  for (const command of commands) {
    const { status, stderr } = await hearth(t, [...command, "--config", file]);
    assert.equal(status, 2, `${command.join(" ")}: ${stderr}`);
    assert.match(stderr, /CONFIG_BAD_VALUE: server\.listen/, command.join(" "));
  }
  const { stderr } = await onMachine(t, file, ["models", "list"]);
  assert.match(stderr, /CONFIG_BAD_VALUE: server\.listen/);
  assert.equal((await onMachine(t, file, ["models", "list", "--config", "/dev/null"])).status, 0);
});

test("--config wins over HEARTH_CONFIG, and that over the service's file, which need not be there", (t) => {
  const { file } = machine(t);
  assert.equal(configFile("a", "b", file), "a");
  assert.equal(configFile(undefined, "b", file), "b");
  assert.equal(configFile(undefined, undefined, file), file);
  assert.equal(configFile(undefined, "", file), file);
  assert.equal(configFile(undefined, undefined, path.join(file, "none")), undefined);
  const loop = path.join(temporaryFolder(t), "loop");
  symlinkSync(loop, loop);
  assert.equal(configFile(undefined, undefined, loop), loop, "what may not be looked at is there");
});

test("a configuration of the service that names no state folder means the service's own", (t) => {
  const file = path.join(temporaryFolder(t), "hearth.toml");
  writeFileSync(file, "");
  const command = new Command().setOptionValueWithSource("systemConfig", file, "implied");
  assert.equal(configurationOf(command).state, "/var/lib/hearth");
  const named = new Command().setOptionValueWithSource("systemConfig", "/nowhere", "implied");
  named.setOptionValueWithSource("config", file, "cli");
  assert.notEqual(configurationOf(named).state, "/var/lib/hearth", "another file has the user's");
});

test("where root may and this user may not, the error says sudo", () => {
  const cause = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: "EACCES", errno: -13 });
  const denied = new HearthError("FILE_WRITE_FAILED", "/x: EACCES.", { cause });
  const shown = (command: string, uid: number) => describeFailure(withSudo(denied, { command, uid }), false);
  assert.match(shown("models", 1000), /run it as `sudo hearth models/);
  assert.doesNotMatch(shown("models", 0), /sudo/);
  assert.doesNotMatch(shown("serve", 1000), /sudo/);
  const other = new HearthError("FILE_WRITE_FAILED", "/x: EROFS.");
  assert.doesNotMatch(describeFailure(withSudo(other, { command: "models", uid: 1000 }), false), /sudo/);
});

test("a store of somebody else: commands say that sudo is needed", {
  skip: skip || (process.getuid?.() === 0 && "root may read anything"),
}, async (t) => {
  const { file, state } = machine(t);
  mkdirSync(state);
  chmodSync(state, 0);
  t.after(() => chmodSync(state, 0o700));
  for (const command of [
    ["key", "list"],
    ["key", "create", "a"],
    ["models", "list"],
    ["models", "import", model],
  ]) {
    const { status, stderr } = await onMachine(t, file, command);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /sudo hearth/);
  }
});

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

test("a stored model whose file is gone is gone, too; one that a flag names is an error", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  assert.equal((await hearth(t, ["models", "import", model, "--name", "a"], { env })).status, 0);
  rmSync(path.join(state, "models", "a"), { recursive: true });
  const byFlag = await hearth(t, ["serve", "--listen", "127.0.0.1:0", "--model", "a"], { env });
  assert.equal(byFlag.status, 2);
  assert.match(byFlag.stderr, /FILE_OPEN_FAILED: .*ENOENT/);
});
