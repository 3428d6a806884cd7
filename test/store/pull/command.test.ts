import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { embeddedModel } from "../../../src/daemon/model-file.js";
import { hearth, spawnHearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { makeGguf } from "../../helpers/gguf.js";
import { startProxy } from "../../helpers/proxy.js";
import { Random } from "../../helpers/random.js";
import {
  type SendOptions,
  type SourceServer,
  sendFile,
  serveRepository,
  startSource,
} from "../../helpers/source-server.js";

const content = makeGguf({ bytes: 8_000_000 });
const sha256 = createHash("sha256").update(content).digest("hex");

interface Setup {
  readonly source: SourceServer;
  readonly state: string;
  readonly env: Record<string, string>;
  /** How the file is sent from now on. */
  send: SendOptions;
}

async function setUp(t: TestContext, state = temporaryFolder(t)): Promise<Setup> {
  const source = await startSource(t);
  const env = { HEARTH_STATE: state, HEARTH_PULL_HF_ENDPOINT: source.url, HEARTH_PULL_OLLAMA_ENDPOINT: source.url };
  const setup: Setup = { source, state, env, send: {} };
  const handler = (request: Parameters<typeof sendFile>[0], response: Parameters<typeof sendFile>[1]) =>
    sendFile(request, response, content, setup.send);
  serveRepository(source, "me/m", { "m-Q8_0.gguf": { content, sha256, handler } });
  return setup;
}

const filesOf = (state: string) => {
  const folder = path.join(state, "models");
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
};
const named = (state: string) => filesOf(state).filter((name) => name.endsWith(".gguf"));

/** Bytes that the journal of the partial file promises; 0 while there is none. */
function journaled(state: string): number {
  const journal = filesOf(state).find((name) => name.endsWith(".part.json"));
  if (journal === undefined) return 0;
  const { done } = JSON.parse(readFileSync(path.join(state, "models", journal), "utf8"));
  return done.reduce((sum: number, bytes: number) => sum + bytes, 0);
}

test("pull prints lines where there is no terminal, and its result on stdout", async (t) => {
  const { env, state } = await setUp(t);
  const result = await hearth(t, ["models", "pull", "hf:me/m", "--alias", "mine"], { env });
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stdout, "me/m:Q8_0: 8.0 MB, F32 test, in the store\n");
  assert.match(
    result.stderr,
    /^asking \.\.\.\nthis version of hearth cannot run it: The file is of architecture "test"; .*\ndownloading .*\n(.*\n)*verifying 100 % of 8\.0 MB.*\n$/,
  );
  const again = await hearth(t, ["models", "pull", "hf:me/m"], { env });
  assert.equal(again.stdout, "me/m:Q8_0: 8.0 MB, F32 test, is in the store already\n");
  const list = await hearth(t, ["models", "list"], { env });
  assert.match(list.stdout, /^me\/m:Q8_0, mine +8\.0 MB +F32 +test +20/m);
  assert.equal(named(state).length, 1);
});

test("pull says first what the model will take and how fast it will be", async (t) => {
  const source = await startSource(t);
  const model = readFileSync(embeddedModel.path);
  serveRepository(source, "me/spark", {
    "spark-Q8_0.gguf": { content: model, sha256: createHash("sha256").update(model).digest("hex") },
  });
  const env = { HEARTH_STATE: temporaryFolder(t), HEARTH_PULL_HF_ENDPOINT: source.url };
  const { stderr } = await hearth(t, ["models", "pull", "hf:me/spark"], { env });
  assert.match(
    stderr,
    /^asking \.\.\.\nall [\d.]+ MB of weights fit in memory; context \d+, 4 slots, KV cache f16, .*\nabout [\d,]+ tokens a second, .*\ndownloading /,
  );
});

test("pull --json prints one object on stdout, and one for each progress on stderr", async (t) => {
  const { env } = await setUp(t);
  const result = await hearth(t, ["models", "pull", "hf:me/m", "--json"], { env });
  const { name, bytes, upToDate } = JSON.parse(result.stdout);
  assert.deepEqual({ name, bytes, upToDate }, { name: "me/m:Q8_0", bytes: content.length, upToDate: false });
  const progress = result.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(progress.at(-1)?.completed, content.length);
  const failed = await hearth(t, ["models", "pull", "hf:me/none", "--json"], { env });
  assert.equal(failed.status, 2);
  assert.equal(JSON.parse(failed.stderr.trim().split("\n").at(-1) ?? "").code, "PULL_NOT_FOUND");
});

test("kill -9 in the middle of a pull leaves no file under its name, and the next pull goes on", async (t) => {
  const setup = await setUp(t);
  const { env, state, source } = setup;
  setup.send = { pauseMs: 12 };
  let kept = 0;
  for (let round = 0; round < 2; round++) {
    const child = spawnHearth(t, ["models", "pull", "hf:me/m"], env);
    while (journaled(state) <= kept) {
      await delay(20);
      assert.equal(child.exitCode, null, "the pull ended too soon");
    }
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    assert.deepEqual(named(state), []);
    kept = journaled(state);
  }
  assert.ok(kept > 0 && kept < content.length);
  setup.send = {};
  const before = source.bytesSent;
  const result = await hearth(t, ["models", "pull", "hf:me/m"], { env });
  assert.equal(result.status, 0, result.stderr);
  const list = 1000;
  assert.ok(source.bytesSent - before <= content.length - kept + list, "what was there came again");
  const verified = await hearth(t, ["models", "verify"], { env });
  assert.equal(verified.stdout, "me/m:Q8_0: sound\n");
  assert.ok(!filesOf(state).some((name) => name.includes(".part")));
});

test("kill -9 at any time leaves a store that works", async (t) => {
  const setup = await setUp(t);
  const { env, state } = setup;
  const random = new Random(7);
  setup.send = { pauseMs: 1 };
  for (let round = 0; round < 6; round++) {
    const child = spawnHearth(t, ["models", "pull", "hf:me/m"], env);
    const ended = new Promise((resolve) => child.on("close", resolve));
    await Promise.race([ended, delay(300 + random.below(2500))]);
    child.kill("SIGKILL");
    await ended;
    for (const file of named(state)) {
      const bytes = readFileSync(path.join(state, "models", file));
      assert.ok(bytes.equals(content), "a file under its name is whole");
    }
  }
  setup.send = {};
  assert.equal((await hearth(t, ["models", "pull", "hf:me/m"], { env })).status, 0);
  assert.equal((await hearth(t, ["models", "verify"], { env })).status, 0);
});

test("Ctrl-C stops a pull with 75 and says that it can be gone on with", async (t) => {
  const setup = await setUp(t);
  setup.send = { pauseMs: 20 };
  const child = spawnHearth(t, ["models", "pull", "hf:me/m"], setup.env);
  let stderr = "";
  await new Promise<void>((resolve) => {
    child.stderr.on("data", (text) => {
      stderr += text;
      if (stderr.includes("downloading")) resolve();
    });
  });
  child.kill("SIGINT");
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 75);
  assert.match(stderr, /hearth: STOPPED: Stopped by SIGINT\. .*goes on where it stopped\.\n$/);
});

test("two commands that pull the same model do not disturb each other", async (t) => {
  const setup = await setUp(t);
  setup.send = { pauseMs: 5 };
  const results = await Promise.all([1, 2].map(() => hearth(t, ["models", "pull", "hf:me/m"], { env: setup.env })));
  const statuses = results.map(({ status }) => status).toSorted();
  assert.ok(statuses[0] === 0 && (statuses[1] === 75 || statuses[1] === 0), JSON.stringify(results));
  assert.equal((await hearth(t, ["models", "verify"], { env: setup.env })).status, 0);
});

test("a pull through a proxy asks only the proxy, and NO_PROXY goes around it", async (t) => {
  const { env, source } = await setUp(t);
  const proxy = await startProxy(t, Number(new URL(source.url).port));
  const through = { ...env, HEARTH_PULL_HF_ENDPOINT: "http://models.internal", HTTP_PROXY: proxy.url, NO_PROXY: "" };
  const result = await hearth(t, ["models", "pull", "hf:me/m"], { env: through });
  assert.equal(result.status, 0, result.stderr);
  assert.ok(proxy.asked.length > 0 && proxy.asked.every((host) => host === "models.internal:80"), String(proxy.asked));

  const dead = { ...env, HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.1" };
  assert.equal((await hearth(t, ["models", "pull", "hf:me/m", "--name", "b"], { env: dead })).status, 0);
});

test("a pull without a network says that it tries again, and fails after ten seconds", async (t) => {
  const env = { HEARTH_PULL_HF_ENDPOINT: "https://nobody.invalid", HTTPS_PROXY: "", HTTP_PROXY: "" };
  const started = performance.now();
  const { status, stderr } = await hearth(t, ["models", "pull", "hf:me/m"], { env });
  assert.equal(status, 75);
  assert.match(stderr, /^asking: nobody\.invalid (has no address|was not found) .*; trying again$/m);
  assert.match(stderr, /\nhearth: PULL_FAILED: .*, for 10 seconds\. Check the network and run the same again: /);
  assert.ok(performance.now() - started < 20_000);
});

test("tokens and signed addresses are in no output", async (t) => {
  const { env, source } = await setUp(t);
  const secrets = { ...env, HF_TOKEN: "hf_verysecret" };
  source.routes.set("/api/models/me/gated/tree/main", (_request, response) => response.writeHead(403).end());
  source.routes.set("/m.gguf", (_request, response) => {
    response.writeHead(302, { location: "https://10.0.0.1/m.gguf?signature=verysecret" }).end();
  });
  for (const what of ["hf:me/gated", `${source.url}/m.gguf?key=verysecret`, `${source.url}/none.gguf?key=verysecret`]) {
    for (const json of [[], ["--json"]]) {
      const { status, stdout, stderr } = await hearth(t, ["models", "pull", what, ...json], { env: secrets });
      assert.equal(status, 2);
      assert.doesNotMatch(stdout + stderr, /verysecret/);
    }
  }
  assert.equal(source.requests[0]?.headers.authorization, "Bearer hf_verysecret");
});

/** A small disk, or why there is none. */
function smallDisk(t: TestContext, megabytes: number): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder]).status === 0;
  t.after(() => {
    if (mounted) spawnSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return mounted ? folder : null;
}

test("a disk without room for the file is an error before anything is fetched", async (t) => {
  const disk = smallDisk(t, 4);
  if (disk === null) return t.skip("mounting a small disk needs root");
  const { env, source } = await setUp(t, disk);
  const result = await hearth(t, ["models", "pull", "hf:me/m"], { env });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /DISK_FULL: 8\.0 MB are needed in .* and [\d.]+ MB are free/);
  assert.ok(source.bytesSent < 1000);
});

test("a disk that fills up during a pull is an error, and with room again the pull goes on", async (t) => {
  const disk = smallDisk(t, 12);
  if (disk === null) return t.skip("mounting a small disk needs root");
  const setup = await setUp(t, disk);
  setup.send = { pauseMs: 2 };
  const filler = path.join(disk, "filler");
  const child = spawnHearth(t, ["models", "pull", "hf:me/m"], setup.env);
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  while (setup.source.bytesSent < 1_000_000) await delay(5);
  writeFileSync(filler, Buffer.alloc(8_000_000));
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 2);
  assert.match(stderr, /hearth: DISK_FULL: There is no room for .*model\.gguf/);
  assert.deepEqual(named(disk), []);
  rmSync(filler);
  setup.send = {};
  assert.equal((await hearth(t, ["models", "pull", "hf:me/m"], { env: setup.env })).status, 0);
  assert.equal((await hearth(t, ["models", "verify"], { env: setup.env })).status, 0);
});

test("a file larger than this process may write is an error like a full disk", async (t) => {
  const { env, state } = await setUp(t);
  // Stands in for a full disk where none can be mounted: 2 MB in blocks of 512 bytes.
  const through = ["sh", "-c", 'ulimit -f 4000; exec "$@"', "sh"];
  const result = await hearth(t, ["models", "pull", "hf:me/m"], { env, through });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /hearth: DISK_FULL: /);
  assert.deepEqual(named(state), []);
});
