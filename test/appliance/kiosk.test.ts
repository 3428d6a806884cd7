/** `hearth kiosk` on a real terminal and in a pipe, with a real daemon. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnHearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { kioskFlags } from "../helpers/kiosk-flags.js";
import { startOnTerminal, withoutTerminal } from "../helpers/pty.js";
import { freePort } from "../helpers/service-box.js";

const options = { skip: withoutTerminal };
const mostBytes = 60e6;

const daemonOf = (t: TestContext, port: number) =>
  startDaemon(t, { model: "", args: ["--listen", `127.0.0.1:${port}`], env: { HEARTH_KIOSK_PROMPTS: prompts } });
const prompts = '["Tell me a story about a fox."]';

function residentBytes(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function post(port: number, body: object): Promise<{ kiosks: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/hearth/v1/kiosk`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { kiosks: number };
}

/** Posts once the kiosk listens: it may be about to ask again. */
async function postHeard(port: number, body: object): Promise<void> {
  while ((await post(port, body)).kiosks === 0) await sleep(100);
}

test("a kiosk on a terminal shows the daemon's text, over its restart, in less than 60 MB", options, async (t) => {
  const port = await freePort();
  const first = await daemonOf(t, port);
  await first.logged("the model is ready");
  const env = { HEARTH_LISTEN: `127.0.0.1:${port}`, LANG: "de_DE.UTF-8" };
  const kiosk = startOnTerminal(t, ["kiosk"], { env, columns: 60, flags: kioskFlags() });
  await kiosk.until(/\d\d:\d\d {2}[A-Z][a-z]+tag|Mittwoch/);
  await kiosk.until(/makes every\s+road shorter\.|\w\.\s*$/);
  assert.equal(kiosk.screen.hasCursor, false);
  await postHeard(port, { text: "The \x1b[31mwashing\u202e is done." });
  await kiosk.until(/The ␛\[31mwashing⟨U\+202E⟩ is done\./);

  first.kill("SIGTERM");
  await first.exited;
  await kiosk.until(/Keine Verbindung zum Server\./);
  const second = await daemonOf(t, port);
  await second.logged("the model is ready");
  await postHeard(port, { prompt: "Hello! Who are you?" });
  await kiosk.until(/Spark/);
  assert.doesNotMatch(kiosk.screen.text, /Keine Verbindung/);

  kiosk.resize(30, 14);
  await kiosk.until(/Spark/);
  await sleep(300);
  assert.ok(kiosk.screen.lines.every((line) => line.length <= 30));
  for (let i = 0; i < 20; i++) await postHeard(port, { prompt: `Tell me story ${i}.` });
  await sleep(500);
  const bytes = residentBytes(kiosk.pid());
  t.diagnostic(`${Math.round(bytes / 1e6)} MB`);
  assert.ok(bytes < mostBytes, `${bytes} bytes`);

  kiosk.type("q");
  assert.equal(await kiosk.exited, 0);
  assert.equal(kiosk.screen.hasCursor, true);
  assert.deepEqual(kiosk.screen.strange, []);
});

test("a kiosk in a pipe writes one text a paragraph, and an object a line with --json", async (t) => {
  const port = await freePort();
  const daemon = await daemonOf(t, port);
  await daemon.logged("the model is ready");
  const env = { HEARTH_LISTEN: `127.0.0.1:${port}` };
  for (const json of [false, true]) {
    const kiosk = spawnHearth(t, ["kiosk", "--prompt", "Hello! Who are you?", ...(json ? ["--json"] : [])], env);
    let text = "";
    kiosk.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    while (!text.includes("Spark")) await sleep(50);
    await postHeard(port, { text: "The washing\n\nis \x1b[1mdone." });
    while (!text.includes("done.")) await sleep(50);
    kiosk.kill("SIGTERM");
    assert.equal(await new Promise((resolve) => kiosk.on("close", resolve)), 0);
    if (json) {
      const [asked = "", sent = ""] = text.trim().split("\n");
      assert.equal(JSON.parse(asked).prompt, "Hello! Who are you?");
      assert.deepEqual(JSON.parse(sent), { prompt: null, text: "The washing\n\nis \x1b[1mdone." });
    } else assert.match(text, /^[^\n]*Spark[^\n]*\n\nThe washing\nis ␛\[1mdone\.\n\n$/);
  }
});

test(
  "a kiosk writes to a terminal or a pipe that is named, and says what is wrong with one that is not there",
  options,
  async (t) => {
    const port = await freePort();
    const daemon = await daemonOf(t, port);
    await daemon.logged("the model is ready");
    const env = { HEARTH_LISTEN: `127.0.0.1:${port}` };
    const pipe = path.join(temporaryFolder(t), "printer");
    const made = spawn("mkfifo", [pipe]);
    await new Promise((resolve) => made.on("close", resolve));
    const printer = spawnHearth(t, ["kiosk", "--prompt", "Hello! Who are you?", "--tty", pipe], env);
    const ended = new Promise((resolve) => printer.on("close", resolve));
    const reader = spawn("head", ["-n", "1", pipe]);
    t.after(() => reader.kill("SIGKILL"));
    const [line] = await Promise.all([
      new Promise<string>((resolve) => reader.stdout.once("data", (text) => resolve(String(text)))),
      new Promise((resolve) => reader.on("close", resolve)),
    ]);
    assert.match(line, /Spark/);
    // The reader has gone: the next text has nowhere to go.
    await post(port, { text: "Next" });
    await sleep(200);
    await post(port, { text: "Next" });
    assert.equal(await ended, 0);
    const nowhere = spawnHearth(t, ["kiosk", "--tty", "/dev/nosuchtty"], env);
    let stderr = "";
    nowhere.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    assert.equal(await new Promise((resolve) => nowhere.on("close", resolve)), 2);
    assert.match(stderr, /^hearth: FILE_OPEN_FAILED: \/dev\/nosuchtty: /);
  },
);
