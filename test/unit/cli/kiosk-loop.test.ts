/** The console kiosk and answers of the daemon, against a server in this process. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hashKey } from "../../../src/base/api-key.js";
import type { AnswerEvent } from "../../../src/cli/answer-events.js";
import { daemonAnswer } from "../../../src/cli/daemon-answer.js";
import { DaemonClient } from "../../../src/cli/daemon-client.js";
import type { KioskView } from "../../../src/cli/kiosk-layout.js";
import { Kiosk } from "../../../src/cli/kiosk-loop.js";
import { ownKey } from "../../../src/cli/own-key.js";
import { loadConfig } from "../../../src/config/load.js";
import { settingsOf } from "../../../src/kiosk/settings.js";
import { scripted } from "../../fake-engine/module.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { until } from "../../helpers/scheduler.js";
import { startServer, type TestServer } from "../../helpers/server.js";

const words = "The fire is warm tonight, and the fox is back.";

function clientOf(port: number, key: string | null = null): DaemonClient {
  const { config } = loadConfig({ env: {}, flags: {} });
  return new DaemonClient({ ...config, "server.listen": { host: "127.0.0.1", port } }, key);
}

function startKiosk(t: TestContext, { port }: Pick<TestServer, "port">, address = "?prompt=Hello") {
  const ended = new AbortController();
  const pieces: string[] = [];
  const views: KioskView[] = [];
  const kiosk = new Kiosk({
    client: clientOf(port),
    settings: settingsOf(address),
    language: "en",
    face: { show: (view) => void views.push(view), piece: (text) => void pieces.push(text) },
    onNewVersion: () => {},
  });
  const done = kiosk.run(ended.signal);
  t.after(async () => {
    ended.abort();
    await done;
  });
  return { kiosk, pieces, views };
}

test("a kiosk types an answer out, shows what the home posts, asks what the home asks, and goes on at a key", async (t) => {
  const server = await startServer(t, { fake: { next: scripted(words) } });
  const { kiosk, pieces, views } = startKiosk(t, server);
  await until(() => pieces.length === 1);
  await until(() => views.at(-1)?.text === words && views.at(-1)?.isWriting === false);
  await server.post("/hearth/v1/kiosk", { text: "The washing is done." });
  await until(() => pieces.length === 2);
  await until(() => views.at(-1)?.text === "The washing is done.");
  await server.post("/hearth/v1/kiosk", { prompt: "Say something" });
  await until(() => pieces.length === 3);
  kiosk.next();
  await until(() => pieces.length === 4);
  assert.deepEqual(pieces, [words, "The washing is done.", words, words]);
});

test("a kiosk takes the prompts and the time between them from the server", async (t) => {
  const config = { "kiosk.prompts": ["One", "Two"], "kiosk.every_ms": 5 };
  const server = await startServer(t, { config, fake: { next: scripted(words) } });
  const { pieces } = startKiosk(t, server, "");
  await until(() => pieces.length === 3, 10_000);
});

test("a clock asks for no text", async (t) => {
  const server = await startServer(t, { fake: { next: scripted(words) } });
  const { views, pieces } = startKiosk(t, server, "?template=clock");
  await until(() => views.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(views.at(-1)?.isClock, true);
  assert.deepEqual(pieces, []);
});

test("without a server a kiosk says so and keeps its clock", async (t) => {
  const { views } = startKiosk(t, { port: 9 });
  await until(() => views.at(-1)?.notice === "No connection to the server. Goes on by itself.");
  assert.match(views.at(-1)?.time ?? "", /^\d\d:\d\d (AM|PM)$/);
});

async function all(events: ReturnType<typeof daemonAnswer>, onEvent: (event: AnswerEvent) => void = () => {}) {
  let text = "";
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { text, end: value };
    if (value.type === "text") text += value.text;
    onEvent(value);
  }
}

test("an answer of the daemon comes whole, and one that is cancelled ends on both sides", async (t) => {
  const server = await startServer(t, { fake: { next: scripted(words.repeat(20)), stepMs: () => 5 } });
  const request = { model: "default", input: "Hello" };
  const whole = await all(daemonAnswer(clientOf(server.port), request, new AbortController().signal));
  assert.equal(whole.text, words.repeat(20));
  assert.equal(whole.end.reason, "stop");
  const stop = new AbortController();
  const cut = await all(daemonAnswer(clientOf(server.port), request, stop.signal), () => stop.abort());
  assert.equal(cut.end.reason, "cancelled");
  assert.ok(cut.text.length < 50);
  await server.atRest();
});

test("a wrong key, and a request that makes no sense, are errors that say what to do", async (t) => {
  const key = "hearth_a-key-of-this-test";
  const config = { "auth.mode": "required", "auth.keys": [hashKey(key)] } as const;
  const server = await startServer(t, { config, fake: { next: scripted(words) } });
  const request = { model: "default", input: "Hello" };
  const { signal } = new AbortController();
  await assert.rejects(all(daemonAnswer(clientOf(server.port), request, signal)), { code: "API_KEY_INVALID" });
  const { text } = await all(daemonAnswer(clientOf(server.port, key), request, signal));
  assert.equal(text, words);
  const wrong = all(daemonAnswer(clientOf(server.port, key), { model: "default", input: 5 }, signal));
  await assert.rejects(wrong, { code: "DAEMON_REFUSED", message: /input/ });
  const unknown = all(daemonAnswer(clientOf(9), request, signal));
  await assert.rejects(unknown, { code: "DAEMON_UNREACHABLE" });
});

test("a command's key is that of the environment, of its unit, or of the package", (t) => {
  const root = temporaryFolder(t);
  assert.equal(ownKey({}, root), null);
  writeFileSync(path.join(root, "hearth_api-keys"), "# keys\nhearth_first # mine\nhearth_second\n");
  assert.equal(ownKey({ CREDENTIALS_DIRECTORY: root }, root), "hearth_first");
  assert.equal(ownKey({ CREDENTIALS_DIRECTORY: root, HEARTH_API_KEY: "hearth_own" }, root), "hearth_own");
  writeFileSync(path.join(root, "hearth_api-keys"), "");
  assert.equal(ownKey({ CREDENTIALS_DIRECTORY: root }, root), null);
  assert.throws(() => ownKey({ HEARTH_API_KEY: "two words" }, root), { code: "COMMAND_INVALID" });
});
