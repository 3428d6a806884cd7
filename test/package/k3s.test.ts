/** The manifests of deploy/k3s, and the container that they describe, as far as one machine shows it: its files read-only, its user, its environment. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryFolder } from "../helpers/folder.js";
import { root } from "../helpers/shared.js";
import { missingTools, unpack } from "./packages.js";

const manifests = path.join(root, "deploy", "k3s");
const noKubectl =
  spawnSync("kubectl", ["kustomize", "--help"]).status !== 0 && "kubectl is missing: kubernetes.io has it";

const render = () => spawnSync("kubectl", ["kustomize", manifests], { encoding: "utf8" });

test("the manifests make one Service with affinity, and a daemon with probes and limits on each board", {
  skip: noKubectl,
}, () => {
  const { status, stdout, stderr } = render();
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.match(/^kind: .*$/gm)?.sort(), ["kind: DaemonSet", "kind: Namespace", "kind: Service"]);
  for (const line of [
    /sessionAffinity: ClientIP/,
    /path: \/readyz/,
    /path: \/healthz/,
    /readOnlyRootFilesystem: true/,
    /memory: 3Gi/,
  ]) {
    assert.match(stdout, line);
  }
  assert.equal(stdout.match(/image: registry\.lan\/hearth:latest/g)?.length, 2);
});

const rootless = process.getuid?.() !== 0 && "needs root, to be another user";

test("the container's environment and user serve, with a key of the Secret", {
  skip: noKubectl || rootless || missingTools("amd64"),
}, async (t) => {
  const folder = unpack(t, process.arch === "arm64" ? "arm64" : "amd64");
  const outer = temporaryFolder(t);
  for (const each of [outer, path.dirname(folder)]) chmodSync(each, 0o755);
  const [state, secret] = [path.join(outer, "state"), path.join(outer, "secret")];
  for (const each of [state, secret]) mkdirSync(each);
  chownSync(state, 65532, 65532);
  const key = `hearth_${"k".repeat(43)}`;
  writeFileSync(path.join(secret, "hearth_api-keys"), `${key}\n`, { mode: 0o444 });
  const variables = [...render().stdout.matchAll(/- name: (HEARTH_\w+|CREDENTIALS_DIRECTORY)\n\s+value: (.*)$/gm)];
  const env: Record<string, string | undefined> = Object.fromEntries(variables.map(([, name, value]) => [name, value]));
  assert.equal(env.HEARTH_LISTEN, "0.0.0.0:11434");
  const program = path.join(folder, "usr/lib/hearthd");
  const child = spawn(path.join(program, "bin/node"), [path.join(program, "dist/cli/main.js"), "serve"], {
    uid: 65532,
    gid: 65532,
    cwd: "/",
    env: {
      ...env,
      HEARTH_LISTEN: "0.0.0.0:21434",
      HEARTH_STATE: state,
      CREDENTIALS_DIRECTORY: secret,
      PATH: "/usr/bin:/bin",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  t.after(() => child.kill());
  const get = (where: string, headers = {}) =>
    fetch(`http://127.0.0.1:21434${where}`, { headers }).then(
      ({ status }) => status,
      () => 0,
    );
  for (let i = 0; i < 200 && (await get("/readyz")) !== 200; i++) await sleep(100);
  assert.equal(await get("/readyz"), 200, output);
  assert.equal(await get("/healthz"), 200);
  assert.equal(await get("/v1/models"), 401);
  assert.equal(await get("/v1/models", { authorization: `Bearer ${key}` }), 200);
});
