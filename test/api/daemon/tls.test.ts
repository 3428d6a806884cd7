import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing } from "../../helpers/shared.js";

const skip = missing("models/stories260K.gguf");

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
