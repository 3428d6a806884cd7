import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth, spawnHearth } from "../../helpers/command.js";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing } from "../../helpers/shared.js";

const skip = missing("models/stories260K.gguf");

test("hearth key create, list, revoke: a running daemon sees each at once", { skip }, async (t) => {
  const env = { HEARTH_STATE: temporaryFolder(t), HEARTH_AUTH_MODE: "required" };
  const refused = await hearth(t, ["serve", "--listen", "127.0.0.1:0"], { env });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /hearth key create/);

  const made = await hearth(t, ["key", "create", "kitchen", "--requests-per-minute", "5"], { env });
  assert.equal(made.status, 0, made.stderr);
  const key = made.stdout.trim();
  const daemon = await startDaemon(t, { env });
  const status = async (sent: string) =>
    (await fetch(`${daemon.url}/v1/models`, { headers: { authorization: `Bearer ${sent}` } })).status;
  assert.equal(await status(key), 200);
  assert.equal(await status("hearth_wrong"), 401);

  const second = JSON.parse(
    (await hearth(t, ["key", "create", "owner", "--scope", "generate,admin", "--json"], { env })).stdout,
  );
  assert.deepEqual(second.scopes, ["generate", "admin"]);
  assert.equal(await status(second.key), 200);
  const listed = (await hearth(t, ["key", "list"], { env })).stdout;
  assert.match(listed, /kitchen .*generate .*5 requests\/minute\n.*owner .*generate,admin/);
  assert.ok(!listed.includes(key.slice(7)) && !listed.includes(second.hash ?? "hash"));

  assert.equal((await hearth(t, ["key", "revoke", "kitchen"], { env })).status, 0);
  assert.equal(await status(key), 401);
  assert.equal(await status(second.key), 200);
  const again = await hearth(t, ["key", "revoke", "kitchen"], { env });
  assert.equal(again.status, 2);
  assert.match(again.stderr, /^hearth: COMMAND_INVALID: There is no key "kitchen"\./);
  assert.ok(!daemon.log.some((line) => JSON.stringify(line).includes(key)), "no key in the log");
});

test("commands that change the keys at once: none is lost, and what is revoked stays revoked", async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  const key = async (...args: string[]) => {
    const { status, stderr } = await hearth(t, ["key", ...args], { env });
    assert.equal(status, 0, stderr);
  };
  const names = (prefix: string) => Array.from({ length: 4 }, (_, i) => `${prefix}${i}`);
  await Promise.all(names("old").map((name) => key("create", name)));
  for (let round = 0; round < 3; round++) {
    const revoked = round === 0 ? names("old") : names(`new${round - 1}-`);
    await Promise.all([
      ...names(`new${round}-`).map((name) => key("create", name)),
      ...revoked.map((name) => key("revoke", name)),
    ]);
    const listed = JSON.parse((await hearth(t, ["key", "list", "--json"], { env })).stdout) as { name: string }[];
    assert.deepEqual(listed.map(({ name }) => name).sort(), names(`new${round}-`));
  }
  assert.deepEqual(readdirSync(state).sort(), [".locks", "keys.json"]);
});

test("a command that is killed leaves no lock, and what it wrote half goes with the next change", async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  for (let delayMs = 100; delayMs < 700; delayMs += 50) {
    const child = spawnHearth(t, ["key", "create", `k${delayMs}`], env);
    const closed = new Promise((resolve) => child.on("close", resolve)); // it may be done before
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    child.kill("SIGKILL");
    await closed;
  }
  // A kill between writing and renaming leaves such files, of this version and of earlier ones.
  writeFileSync(path.join(state, "keys.json.0123456789ab.new"), "half");
  writeFileSync(path.join(state, "keys.json.new"), "half");
  const { status, stderr } = await hearth(t, ["key", "create", "last"], { env });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(state).sort(), [".locks", "keys.json"]);
});

test("a key that could not be shown is taken back, for nobody has it", async (t) => {
  const env = { HEARTH_STATE: temporaryFolder(t) };
  const through = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
  const made = await hearth(t, ["key", "create", "kitchen"], { env, through });
  assert.equal(made.status, 2);
  assert.match(made.stderr, /^hearth: DISK_FULL: stdout/);
  assert.equal((await hearth(t, ["key", "list"], { env })).stdout, "");
});
