/** A daemon that pulls for its clients: clients that leave, and sources that close whenever they like. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { makeGguf } from "../helpers/gguf.js";
import { missing } from "../helpers/shared.js";
import { type Handler, type SendOptions, sendFile, startSource } from "../helpers/source-server.js";

const skip = missing("models/stories260K.gguf");
const content = makeGguf({ bytes: 8_000_000 });
const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** A daemon whose registry has the model `m:1b`. */
async function setUp(t: TestContext) {
  const source = await startSource(t);
  const setup: { send: SendOptions } = { send: {} };
  const blob: Handler = (request, response) => sendFile(request, response, content, setup.send);
  source.routes.set("/v2/library/m/manifests/1b", (_request, response) => {
    const layer = { mediaType: "application/vnd.ollama.image.model", digest, size: content.length };
    response.end(JSON.stringify({ layers: [layer] }));
  });
  source.routes.set(`/v2/library/m/blobs/${digest}`, blob);
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state, HEARTH_PULL_OLLAMA_ENDPOINT: source.url };
  const daemon = await startDaemon(t, { env });
  const pull = (signal?: AbortSignal, stream = true) =>
    fetch(`${daemon.url}/api/pull`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m:1b", stream }),
      ...(signal && { signal }),
    });
  const partial = () => {
    const folder = path.join(state, "models");
    return (
      existsSync(folder) &&
      readdirSync(folder, { recursive: true, encoding: "utf8" }).some((name) => name.endsWith(".part.json"))
    );
  };
  return { source, setup, daemon, pull, partial };
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(condition(), `never came true: ${condition}`);
}

for (const stream of [true, false]) {
  test(`a client that leaves in a pull ${stream ? "with" : "without"} progress ends it, is no fault, and the next one goes on`, {
    skip,
  }, async (t) => {
    const { source, setup, daemon, pull, partial } = await setUp(t);
    setup.send = { pauseMs: 20 };
    const client = new AbortController();
    const left = pull(client.signal, stream).then((response) => response.text());
    left.catch(() => {});
    await waitFor(() => source.bytesSent > 1_000_000);
    client.abort();
    await assert.rejects(left);
    await waitFor(partial);
    setup.send = {};
    // The store is free again as soon as the pull has ended.
    let text = "";
    for (let i = 0; i < 100 && !text.includes("success"); i++) {
      const before = source.bytesSent;
      text = await (await pull()).text();
      if (text.includes("success"))
        assert.ok(source.bytesSent - before < content.length - 500_000, "what was there came again");
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.match(text, /success/);
    const faults = daemon.log.filter(({ level, code }) => level === "error" || code === "INTERNAL");
    assert.deepEqual(faults, []);
  });
}

test("sources that close early, paused or not, leave the daemon up, and the model arrives", { skip }, async (t) => {
  const { source, daemon, pull } = await setUp(t);
  let closed = 0;
  source.routes.set(`/v2/library/m/blobs/${digest}`, async (request, response) => {
    response.setHeader("connection", "close");
    const cutAfter = closed++ < 10 ? closed * 70_000 : undefined;
    await sendFile(request, response, content, { cutAfter });
  });
  assert.match(await (await pull()).text(), /success/);
  assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
  assert.ok(closed > 10);
});
