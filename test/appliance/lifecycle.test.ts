import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { hearth, spawnHearth } from "../helpers/command.js";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing } from "../helpers/shared.js";

/** Random weights that never end by themselves, and take some milliseconds a token. */
let slowModel = "";
const folder = mkdtempSync(path.join(tmpdir(), "hearth-lifecycle-"));
before(async () => {
  slowModel = path.join(folder, "slow.gguf");
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q4_0", slowModel);
});
after(() => rmSync(folder, { recursive: true }));

interface Stream {
  /** Resolves at the first piece of text. */
  readonly started: Promise<void>;
  /** The types of all events, in order, when the stream has ended. */
  readonly ended: Promise<string[]>;
}

/** Asks for an answer over SSE. */
function stream(daemon: TestDaemon, tokens: number): Stream {
  let begin = () => {};
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = (async () => {
    const response = await fetch(`${daemon.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "default", input: "a", stream: true, max_output_tokens: tokens, temperature: 0 }),
    });
    assert.equal(response.status, 200);
    assert.ok(response.body);
    let text = "";
    for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
      text += bytes;
      if (text.includes("response.output_text.delta")) begin();
    }
    return [...text.matchAll(/^event: (\S+)$/gm)].map((match) => match[1] ?? "");
  })();
  return { started, ended };
}

test("SIGTERM and SIGINT end an idle daemon with 0", { skip: missing("models/stories260K.gguf") }, async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const daemon = await startDaemon(t);
    daemon.kill(signal);
    assert.equal(await daemon.exited, 0);
  }
});

test("SIGTERM lets a running answer end as it would have, takes no new one, and exits with 0", async (t) => {
  const daemon = await startDaemon(t, { model: slowModel, env: { HEARTH_SHUTDOWN_GRACE_MS: "60000" } });
  const answer = stream(daemon, 40);
  await answer.started;
  daemon.kill("SIGTERM");
  await daemon.logged("stopping");
  await assert.rejects(fetch(`${daemon.url}/healthz`), "a new connection was accepted");
  assert.equal((await answer.ended).at(-1), "response.incomplete");
  assert.equal(await daemon.exited, 0);
});

test("an answer that takes longer than the grace is ended, and the exit status is 0", async (t) => {
  const daemon = await startDaemon(t, { model: slowModel, env: { HEARTH_SHUTDOWN_GRACE_MS: "100" } });
  const answer = stream(daemon, 2000);
  await answer.started;
  daemon.kill("SIGTERM");
  assert.equal((await answer.ended).at(-1), "response.failed");
  assert.equal(await daemon.exited, 0);
});

test("a second signal does not wait, and the exit status is 3", async (t) => {
  const daemon = await startDaemon(t, { model: slowModel, env: { HEARTH_SHUTDOWN_GRACE_MS: "60000" } });
  const answer = stream(daemon, 2000);
  answer.ended.catch(() => {}); // it is cut off
  await answer.started;
  daemon.kill("SIGTERM");
  await daemon.logged("stopping");
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 3);
});

async function holdPort(t: TestContext): Promise<{ port: number; release: () => void }> {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  assert.ok(typeof address === "object" && address);
  return { port: address.port, release: () => other.close() };
}

test("an address that stays in use ends the daemon with 75 after the configured wait", async (t) => {
  const { port } = await holdPort(t);
  const env = { HEARTH_LISTEN_WAIT_MS: "700" };
  const result = await hearth(t, ["serve", "--model", slowModel, "--listen", `127.0.0.1:${port}`], { env });
  assert.equal(result.status, 75);
  assert.match(result.stdout, /"msg":"waiting to listen"/);
  assert.match(result.stderr, /^hearth: LISTEN_FAILED: .*EADDRINUSE.*\n$/);
});

test("a port that another program gives up is listened on without a restart", async (t) => {
  const { port, release } = await holdPort(t);
  const daemon = startDaemon(t, { model: slowModel, args: ["--listen", `127.0.0.1:${port}`] });
  setTimeout(release, 3000);
  const { url, log, kill, exited } = await daemon;
  assert.ok(log.some(({ msg }) => msg === "waiting to listen"));
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  kill("SIGTERM");
  assert.equal(await exited, 0);
});

test("SIGTERM ends a daemon that waits for its address with 0", async (t) => {
  const { port } = await holdPort(t);
  const child = spawnHearth(t, ["serve", "--model", slowModel, "--listen", `127.0.0.1:${port}`]);
  const exited = new Promise((resolve) => child.on("close", resolve));
  let log = "";
  child.stdout.on("data", (text) => {
    if (!log.includes("waiting to listen") && (log + text).includes("waiting to listen")) child.kill("SIGTERM");
    log += text;
  });
  assert.equal(await exited, 0);
});

test("an address that this user may never have is an error of the configuration", async (t) => {
  const args = ["serve", "--model", slowModel, "--listen", "127.0.0.1:0"];
  const env = { HEARTH_SOCKET: `${slowModel}/hearth.sock` }; // in a file
  const result = await hearth(t, args, { env });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^hearth: CONFIG_BAD_VALUE: Cannot listen on .*\n$/);
});

test("SIGHUP never ends the daemon, and says so in the log", async (t) => {
  const daemon = await startDaemon(t, { model: slowModel });
  for (let i = 0; i < 3; i++) daemon.kill("SIGHUP");
  await daemon.logged("the configuration was read again");
  assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("lines for the journal begin with their priority, and lines for others do not", async (t) => {
  const journal = ["sh", "-c", 'export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/$$/fd/$0); exec "$@"'];
  const args = ["serve", "--model", slowModel, "--listen", "8.8.8.8:0"];
  const env = { HEARTH_LISTEN_WAIT_MS: "100", HEARTH_AUTH_MODE: "off" };
  const toJournal = await hearth(t, args, { env, through: [...journal, "1"] });
  const lines = toJournal.stdout.trim().split("\n");
  for (const line of lines) assert.match(line, /^<[2-7]>\{"level":/);
  assert.ok(lines.some((line) => line.startsWith('<6>{"level":"info"')));
  assert.ok(lines.some((line) => line.startsWith('<4>{"level":"warn"')));
  assert.match(toJournal.stderr, /^hearth: LISTEN_FAILED/); // is no journal there
  const errors = await hearth(t, args, { env, through: [...journal, "2"] });
  assert.match(errors.stdout, /^\{"level":/);
  assert.match(errors.stderr, /^<3>hearth: LISTEN_FAILED: .*EADDRNOTAVAIL/);
});

test("a daemon that the network could reach without a key does not start", async (t) => {
  const result = await hearth(t, ["serve", "--model", slowModel, "--listen", "0.0.0.0:0"]);
  assert.equal(result.status, 2);
  assert.match(result.stderr, /CONFIG_BAD_VALUE: .*hearth key create/);
});

test("a model that cannot be loaded ends the daemon with 2 and the reason", async (t) => {
  const broken = path.join(temporaryFolder(t), "broken.gguf");
  copyFileSync(slowModel, broken);
  truncateSync(broken, 4000);
  const result = await hearth(t, ["serve", "--model", broken, "--listen", "127.0.0.1:0"]);
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^hearth: GGUF_TRUNCATED: .*\n$/);
});

test("a model file cut short while it is served fails the request, not the daemon", async (t) => {
  const model = path.join(temporaryFolder(t), "model.gguf");
  copyFileSync(slowModel, model);
  const daemon = await startDaemon(t, { model });
  await daemon.logged("the model is ready");
  truncateSync(model, 100_000);
  const response = await fetch(`${daemon.url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", input: "a", max_output_tokens: 5 }),
  });
  assert.equal(response.status, 503);
  const body = (await response.json()) as { error: { code: string } };
  assert.equal(body.error.code, "model_error");
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 503);
  assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("the log says where each value came from, and nothing of what clients wrote", async (t) => {
  const daemon = await startDaemon(t, { model: slowModel, env: { HEARTH_SLOTS: "2", HEARTH_LOG_LEVEL: "trace" } });
  const { config } = (await daemon.logged("configuration")) as unknown as { config: Record<string, object> };
  assert.deepEqual(config["scheduler.slots"], { value: "2", origin: "environment HEARTH_SLOTS" });
  await daemon.logged("the model is ready");
  const body = JSON.stringify({ model: "default", input: "xylophone", max_output_tokens: 3 });
  await fetch(`${daemon.url}/v1/responses`, { method: "POST", headers: { "content-type": "application/json" }, body });
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
  assert.ok(!JSON.stringify(daemon.log).includes("xylophone"));
});
