import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Command } from "commander";
import { HearthError } from "../../../src/base/errors.js";
import { configFile, configurationOf } from "../../../src/cli/configuration.js";
import { describeFailure, withSudo } from "../../../src/cli/exit-status.js";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { root } from "../../helpers/shared.js";
import { model, skip } from "./service-files.js";

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
