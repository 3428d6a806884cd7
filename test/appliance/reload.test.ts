/** SIGHUP: what a running daemon takes over from its configuration. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { root } from "../helpers/shared.js";

const model = path.join(root, "models", "spark", "spark-q8_0.gguf");
const page = "http://kiosk.lan:8080";

async function daemonWithFile(t: TestContext, text: string) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "hearth.toml");
  writeFileSync(file, text);
  const daemon = await startDaemon(t, { model, env: { HEARTH_CONFIG: file } });
  const origin = async () => (await fetch(`${daemon.url}/healthz`, { headers: { origin: page } })).status;
  const reasons = async () => JSON.stringify(await (await fetch(`${daemon.url}/readyz`)).json());
  const reload = (next: string) => {
    writeFileSync(file, next);
    daemon.kill("SIGHUP");
  };
  return { daemon, folder, origin, reasons, reload };
}

test("a reload lets a page in, limits clients, and reads prompts that are pinned", async (t) => {
  const { daemon, folder, origin, reload } = await daemonWithFile(t, "");
  assert.equal(await origin(), 403);
  const prompt = path.join(folder, "home.txt");
  writeFileSync(prompt, "Once upon a time there was a house with a kitchen and two lamps. ".repeat(4));
  reload(
    `server.allowed_origins = ["${page}"]\nprefix.pinned = ["${prompt}"]\nauth.keys = ["${"0".repeat(64)}"]\nauth.mode = "required"`,
  );
  const { changed } = await daemon.logged("the configuration was read again");
  assert.deepEqual(changed, ["server.allowed_origins", "auth.mode", "auth.keys", "prefix.pinned"]);
  assert.equal(await origin(), 200);
  assert.equal((await fetch(`${daemon.url}/v1/models`)).status, 401);
  await daemon.logged("a pinned prompt was read");
});

test("a reload says what needs a restart, and takes over the rest", async (t) => {
  const { daemon, origin, reasons, reload } = await daemonWithFile(t, "");
  reload(`scheduler.slots = 2\nserver.allowed_origins = ["${page}"]`);
  const { options } = await daemon.logged("changes of these options need a restart");
  assert.deepEqual(options, ["scheduler.slots"]);
  assert.match(await reasons(), /scheduler\.slots.*restart/);
  assert.equal(await origin(), 200);
});

test("a wrong configuration is refused with its line, and the one before stays", async (t) => {
  const { daemon, origin, reasons, reload } = await daemonWithFile(t, `server.allowed_origins = ["${page}"]`);
  reload("scheduler.slots = none");
  await daemon.logged("the configuration cannot be read again");
  assert.match(await reasons(), /line 1.*stays in use/);
  assert.equal(await origin(), 200);
});

test("a reload takes over upstreams: a new one is checked, one that is gone is forgotten", async (t) => {
  const upstream = '[[upstream]]\nname = "attic"\nurl = "http://127.0.0.1:9/v1"\nmodels = ["large"]\n';
  const { daemon, reasons, reload } = await daemonWithFile(t, "");
  reload(upstream);
  await daemon.logged("the configuration was read again");
  for (let i = 0; i < 50 && !/upstream attic/.test(await reasons()); i++)
    await new Promise((done) => setTimeout(done, 100));
  assert.match(await reasons(), /upstream attic/);
  const { data } = (await (await fetch(`${daemon.url}/v1/models`)).json()) as { data: { id: string }[] };
  assert.ok(data.some(({ id }) => id === "large"));
  reload("");
  for (let i = 0; i < 50 && /upstream attic/.test(await reasons()); i++)
    await new Promise((done) => setTimeout(done, 100));
  assert.doesNotMatch(await reasons(), /upstream attic/);
});
