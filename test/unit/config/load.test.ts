import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { describeConfig } from "../../../src/config/load.js";
import { optionKeys, options } from "../../../src/config/options.js";
import { failure, load } from "./files.js";

function configFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "hearth.toml");
  writeFileSync(file, text);
  return file;
}

test("without a source every option has its default", () => {
  const { config, origins, warnings } = load({});
  for (const key of optionKeys) {
    assert.deepEqual(config[key], options[key].default);
    assert.equal(origins[key], "default");
  }
  assert.deepEqual(config["server.listen"], { host: "127.0.0.1", port: 11434 });
  assert.equal(config["log.prompts"], false);
  assert.deepEqual(warnings, []);
});

test("flags win over the environment, and the environment over the file", (t) => {
  const file = configFile(t, '[engine]\nthreads = 1\nisa = "ref"\n[scheduler]\nslots = 2\n');
  const { config, origins } = load({
    file,
    env: { HEARTH_THREADS: "2", HEARTH_ISA: "avx2" },
    flags: { threads: "3" },
  });
  assert.equal(config["engine.threads"], 3);
  assert.equal(origins["engine.threads"], "flag --threads");
  assert.equal(config["engine.isa"], "avx2");
  assert.equal(origins["engine.isa"], "environment HEARTH_ISA");
  assert.equal(config["scheduler.slots"], 2);
  assert.equal(origins["scheduler.slots"], `file ${file}`);
});

test("the configuration cannot be changed", () => {
  const { config } = load({ env: { HEARTH_ALLOWED_HOSTS: "a.lan, b.lan" } });
  assert.deepEqual(config["server.allowed_hosts"], ["a.lan", "b.lan"]);
  assert.throws(() => Object.assign(config, { "engine.threads": 9 }), TypeError);
  assert.throws(() => (config["server.allowed_hosts"] as string[]).push("c.lan"), TypeError);
});

test("an unknown key names the nearest known one", (t) => {
  const error = failure({ file: configFile(t, "[scheduler]\nslot = 4\n") });
  assert.equal(error.code, "CONFIG_UNKNOWN_KEY");
  assert.match(error.message, /unknown option scheduler\.slot; the nearest known is scheduler\.slots\./);
  assert.equal(failure({ file: configFile(t, "server = 4\n") }).code, "CONFIG_UNKNOWN_KEY");
  assert.equal(failure({ file: configFile(t, '"__proto__" = { slots = 4 }\n') }).code, "CONFIG_UNKNOWN_KEY");
});

test("an unknown HEARTH_ variable is an error that names the nearest", () => {
  for (const [name, meant] of [
    ["HEARTH_TREADS", "HEARTH_THREADS"],
    ["HEARTH_PORT", "HEARTH_LISTEN"],
    ["HEARTH_SLOT", "HEARTH_SLOTS"],
  ] as const) {
    const error = failure({ env: { [name]: "4", HEARTH_CONFIG: "x", PATH: "/bin" } });
    assert.equal(error.code, "CONFIG_UNKNOWN_KEY");
    assert.equal(error.message, `${name} in the environment is no option; the nearest known is ${meant}.`);
  }
  assert.deepEqual(load({ env: { HEARTH_CONFIG: "x", HEARTHSTONE: "4" } }).warnings, []);
});

test("variables that Kubernetes sets for services called hearth are left out with a warning", () => {
  const env = {
    HEARTH_SERVICE_HOST: "10.0.0.1",
    HEARTH_SERVICE_PORT: "11434",
    HEARTH_SERVICE_PORT_HTTP: "11434",
    HEARTH_PORT: "tcp://10.0.0.1:11434",
    HEARTH_PORT_11434_TCP: "tcp://10.0.0.1:11434",
    HEARTH_PORT_11434_TCP_PROTO: "tcp",
    HEARTH_PORT_11434_TCP_PORT: "11434",
    HEARTH_PORT_11434_TCP_ADDR: "10.0.0.1",
    HEARTH_LAN_SERVICE_HOST: "10.0.0.2",
    HEARTH_LAN_PORT_11434_UDP_ADDR: "10.0.0.2",
  };
  const { warnings } = load({ env });
  assert.equal(warnings.length, Object.keys(env).length);
  for (const name of Object.keys(env)) assert.ok(warnings.some((warning) => warning.startsWith(`${name} `)));
});

test("a FIFO or an endless device in the file's place is an error at once", (t) => {
  const fifo = path.join(path.dirname(configFile(t, "")), "fifo");
  assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
  assert.match(failure({ file: fifo }).message, /is a FIFO/);
  assert.match(failure({ file: "/dev/zero" }).message, /holds more than/);
  assert.equal(failure({ file: fifo }).code, "CONFIG_UNREADABLE");
});

test("/dev/null in the file's place is an empty file", () => {
  assert.deepEqual(load({ file: "/dev/null" }).config, load({}).config);
});

test("a value out of range is refused with range, unit and origin", () => {
  const error = failure({ env: { HEARTH_SLOTS: "65" } });
  assert.equal(error.code, "CONFIG_BAD_VALUE");
  assert.equal(error.param, "scheduler.slots");
  assert.match(
    error.message,
    /^scheduler\.slots \(environment HEARTH_SLOTS\): expected an integer from 1 to 64 \(slots\), got '65'\.$/,
  );
});

test("a wrong value in the file is refused even where a flag overrides it", (t) => {
  const file = configFile(t, "[engine]\nthreads = -1\n");
  assert.match(failure({ file, flags: { threads: "2" } }).message, /engine\.threads \(file .*hearth\.toml\)/);
});

test("a file that is missing, a folder or not TOML is named with the reason", (t) => {
  assert.match(failure({ file: "/nonexistent/hearth.toml" }).message, /\/nonexistent\/hearth\.toml: ENOENT/);
  assert.match(failure({ file: tmpdir() }).message, /EISDIR/);
  const error = failure({ file: configFile(t, "[server]\nlisten = \n") });
  assert.equal(error.code, "CONFIG_UNREADABLE");
  assert.match(error.message, /line 2, column \d+/);
});

test("secrets are in no description and in no error", () => {
  const digest = "ab".repeat(32);
  const loaded = load({ env: { HEARTH_AUTH_KEYS: digest } });
  assert.deepEqual(loaded.config["auth.keys"], [digest]);
  const described = JSON.stringify(describeConfig(loaded));
  assert.ok(!described.includes(digest));
  assert.match(described, /"key":"auth\.keys","value":"\[secret\]","origin":"environment HEARTH_AUTH_KEYS",/);
  assert.ok(!failure({ env: { HEARTH_AUTH_KEYS: "hunter2" } }).message.includes("hunter2"));
});

test("what --print-config shows can be read back as the same value", (t) => {
  const loaded = load({
    flags: { listen: "[::1]:80" },
    env: { HEARTH_ALLOWED_HOSTS: "a.lan,b.lan", HEARTH_LOG_PROMPTS: "true" },
  });
  const lines = describeConfig(loaded).map(({ key, value }) => `${key} = ${value}`);
  assert.deepEqual(load({ file: configFile(t, lines.join("\n")) }).config, loaded.config);
});
