/** `hearth key` beside a running daemon: what it makes is let in at once, and what it revokes is not. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing } from "../helpers/shared.js";

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

test("a self-made certificate is kept over a restart, and clients that know it get in", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state, HEARTH_TLS_SELF_SIGNED: "true" };
  const first = await startDaemon(t, { env });
  const { sha256 } = await first.logged("HTTPS with a self-signed certificate");
  const { port } = new URL(first.url);
  const ca = readFileSync(path.join(state, "tls.pem"));
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: "localhost", port, path: "/healthz", ca }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(answer, 200);
  first.kill("SIGTERM");
  assert.equal(await first.exited, 0);
  const second = await startDaemon(t, { env });
  assert.equal((await second.logged("HTTPS with a self-signed certificate")).sha256, sha256);
});

test("a certificate that cannot be used is an error of the configuration", { skip }, async (t) => {
  const serve = async (env: Record<string, string>) =>
    (await hearth(t, ["serve", "--listen", "127.0.0.1:0"], { env })).stderr;
  assert.match(await serve({ HEARTH_TLS_CERT: "/nowhere.pem" }), /CONFIG_BAD_VALUE.*tls\.key/);
  assert.match(
    await serve({ HEARTH_TLS_CERT: "/nowhere.pem", HEARTH_TLS_KEY: "/nowhere.pem" }),
    /TLS_UNUSABLE.*nowhere/,
  );
  assert.match(await serve({ HEARTH_TLS_CERT: "package.json", HEARTH_TLS_KEY: "package.json" }), /TLS_UNUSABLE/);
});
