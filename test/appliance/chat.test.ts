/** `hearth chat` on a real terminal and in a pipe, by a daemon and by itself. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hashKey } from "../../src/base/api-key.js";
import { hearth, spawnHearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startOnTerminal, type TerminalOptions, withoutTerminal } from "../helpers/pty.js";
import { freePort } from "../helpers/service-box.js";

const options = { skip: withoutTerminal };
/** Nobody listens there. */
const alone = { HEARTH_LISTEN: "127.0.0.1:9" };
/** Slow enough for a person to stop an answer. */
const slow = { HEARTH_ISA: "ref", HEARTH_THREADS: "1" };
const prompt = /^> ?$/m;
const story = "Tell me a story about a fox.";
/** The first words of the answer to it, in place of what is said while the prompt is read. */
const begun = /a fox\.\n(?!reading|waiting)\w+ \w/;

async function startChat(t: TestContext, more: TerminalOptions = {}) {
  const terminal = startOnTerminal(t, ["chat"], { ...more, env: { ...alone, ...more.env } });
  await terminal.until(prompt);
  return terminal;
}

const daemonOf = (t: TestContext, port: number) =>
  startDaemon(t, { model: "", args: ["--listen", `127.0.0.1:${port}`], env: slow });

test("Ctrl-C stops the answer and not the chat, which ends at Ctrl-D", options, async (t) => {
  const chat = await startChat(t, { env: slow });
  chat.type(`${story}\r`);
  await chat.until(begun);
  chat.type("\x03");
  await chat.until(/\[\d+ tokens?, .*stopped\]\n> ?$/s);
  chat.type("Hello! Who are you?\r");
  await chat.until(/Spark[^[]*\n\[\d+ tokens, [\d.]+ tokens\/s, the first after [\d.]+ s\]\n> ?$/s);
  chat.type("\x04");
  assert.equal(await chat.exited, 0);
  assert.deepEqual(chat.screen.strange, []);
});

test("Ctrl-C twice at an empty prompt ends; once it forgets what was typed", options, async (t) => {
  const chat = await startChat(t);
  chat.type("something\x03");
  await chat.until(/something\^C\n> ?$/);
  chat.type("\x03");
  await chat.until(/Ctrl-C once more, or Ctrl-D, ends\.\n> ?$/);
  chat.type("\x03");
  assert.equal(await chat.exited, 0);
});

test("Ctrl-Z where no shell could go on with the chat leaves it as it is", options, async (t) => {
  const chat = await startChat(t);
  chat.type("Hello th\x1a");
  await sleep(200);
  chat.type("ere\r");
  await chat.until(/> Hello there\n[\s\S]*tokens.*\]\n> ?$/);
  chat.type("\x04");
  assert.equal(await chat.exited, 0);
});

test(
  "arrow keys bring back what was typed, also in a later run, from a file for its user alone",
  options,
  async (t) => {
    const env = { XDG_STATE_HOME: temporaryFolder(t) };
    const first = await startChat(t, { env });
    first.type("Hello there\r");
    await first.until(/tokens.*\]\n> ?$/s);
    first.type("one \\\rtwo\r");
    await first.until(/· two\n[\s\S]*tokens.*\]\n> ?$/);
    first.type("\x1b[A");
    await first.until(/> one ⏎two$/);
    first.type("\x03/quit\r");
    assert.equal(await first.exited, 0);
    const second = await startChat(t, { env });
    second.type("\x1b[A\x1b[A\x1b[A");
    await second.until(/> Hello there$/);
    second.type("\x1b[B");
    await second.until(/> one ⏎two$/);
    const [folder = ""] = readdirSync(env.XDG_STATE_HOME);
    const file = path.join(env.XDG_STATE_HOME, folder, "chat-history");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(readFileSync(file, "utf8"), '"Hello there"\n"one \\ntwo"\n"/quit"\n');
  },
);

test("a backslash, Alt+Enter and a paste make messages of several lines, which /save writes", options, async (t) => {
  const folder = temporaryFolder(t);
  const chat = await startChat(t);
  chat.type("/system You are short.\r");
  await chat.until(/The system prompt: You are short\./);
  chat.type("one\\\rtwo\x1b\rthree \x1b[200~four\nfive\x1b[201~\r");
  await chat.until(/\[\d+ tokens.*\]\n> ?$/s);
  chat.type(`\x1b[200~${"line\n".repeat(30)}\x1b[201~`);
  await chat.until(/> \[paste 1: 30 lines\]$/);
  chat.type("\r");
  await chat.until(/\[\d+ tokens[\s\S]*\[\d+ tokens.*\]\n> ?$/);
  const file = path.join(folder, "chat.json");
  chat.type(`/save ${file}\r`);
  await chat.until(/Written to /);
  const { instructions, messages } = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(instructions, "You are short.");
  assert.equal(messages[0].content, "one\ntwo\nthree four\nfive");
  assert.equal(messages[2].content, "line\n".repeat(30).trim());
  assert.equal(messages.length, 4);
  chat.type(`/save ${file}\r/new\r/model\r/nonsense\r/help\r`);
  await chat.until(
    /is there already\.[\s\S]*A new conversation\.\n[\s\S]*\* spark\n[\s\S]*There is no \/nonsense here[\s\S]*\/save FILE/,
  );
});

test("a narrow terminal, wide letters and NO_COLOR are no trouble", options, async (t) => {
  const chat = await startChat(t, { columns: 20, rows: 30, env: { NO_COLOR: "1" } });
  chat.type("日本語のとても長い質問です、お願いします\x7f\x7f?");
  await chat.until(/ends\.\n> 日本語のとても長い\n質問です、お願いし\?$/);
  chat.type("\r");
  await chat.until(/tokens,?[\s\S]*\]\n> ?$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  assert.doesNotMatch(chat.raw(), /\x1b\[[0-9;]+m/);
  assert.deepEqual(chat.screen.strange, []);
});

test(
  "a daemon that is restarted in the middle of an answer is said, and the chat goes on with it",
  options,
  async (t) => {
    const port = await freePort();
    const first = await daemonOf(t, port);
    await first.logged("the model is ready");
    const chat = await startChat(t, { env: { HEARTH_LISTEN: `127.0.0.1:${port}` } });
    assert.match(chat.screen.text, new RegExp(`^spark, by the daemon at 127\\.0\\.0\\.1:${port}\\.`));
    chat.type(`${story}\r`);
    await chat.until(begun);
    first.kill("SIGKILL");
    await chat.until(/hearth: The daemon went away in the middle of the answer\.[\s\S]*> ?$/);
    await first.exited;
    const second = await daemonOf(t, port);
    await second.logged("the model is ready");
    chat.type("Hello! Who are you?\r");
    await chat.until(/Spark[\s\S]*tokens\/s[^\n]*\n> ?$/);
    chat.type(`${story}\r`);
    await chat.until(/Spark[\s\S]*a fox\.\n(?!reading|waiting)\w+ \w/);
    chat.type("\x03");
    await chat.until(/stopped\]\n> ?$/);
    while ((await second.metric("hearth_slots_busy")) > 0) await sleep(50);
  },
);

test("lines of a pipe are answered one after the other, without prompts; the conversation goes on", async (t) => {
  const stdin = "Hello! Who are you?\n\n/system Be kind\nHow \\\nare you?\n";
  const { stdout, stderr, status } = await hearth(t, ["chat"], { env: alone, stdin });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[^>\n]*Spark[^\n]*\n[^>\n]+\n$/);
  assert.equal(stderr, "The system prompt: Be kind\n");
  const json = await hearth(t, ["chat", "--json"], { env: alone, stdin: "Hello! Who are you?\nHello\n" });
  const answers = json.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(answers.length, 2);
  assert.match(answers[0].text, /Spark/);
  assert.deepEqual([answers[0].model, answers[0].reason], ["spark", "stop"]);
  assert.ok(answers[1].promptTokens > answers[0].promptTokens);
});

for (const who of ["a daemon", "itself"]) {
  test(`a chat by ${who} says which turns a long conversation loses, once for each loss`, async (t) => {
    const env = { HEARTH_CONTEXT_TOKENS: "256" };
    const daemon = who === "itself" ? null : await startDaemon(t, { model: "", env });
    const listen = daemon ? { HEARTH_LISTEN: daemon.url.replace("http://", "") } : alone;
    const stdin = `${"Hello! Who are you?\n".repeat(12)}/new\nHello! Who are you?\n`;
    const { stderr, status } = await hearth(t, ["chat"], { env: { ...env, ...listen }, stdin });
    assert.equal(status, 0, stderr);
    const lines = stderr.trim().split("\n");
    assert.equal(lines.pop(), "A new conversation.");
    const lost = lines.map((line) => {
      const form =
        /^The conversation is too long for the model: the (?:(\d+) oldest questions and their answers are|oldest question and its answer are) no longer read\. \/new begins another\.$/;
      assert.match(line, form);
      return Number(form.exec(line)?.[1] ?? 1);
    });
    assert.ok(lost.length >= 1 && lost.length < 12, stderr);
    assert.deepEqual(
      lost,
      [...new Set(lost)].sort((a, b) => a - b),
    );
  });
}

test("a pipe that asks for what there is not ends with an error, after its other lines", async (t) => {
  const stdin = "/nonsense\nHello! Who are you?\n";
  const { stdout, stderr, status } = await hearth(t, ["chat"], { env: alone, stdin });
  assert.equal(status, 2);
  assert.match(stdout, /Spark/);
  assert.match(stderr, /There is no \/nonsense here/);
  const none = await hearth(t, ["chat", "nosuchmodel"], { env: alone, stdin });
  assert.equal(none.status, 2);
  assert.match(none.stderr, /^hearth: MODEL_NOT_FOUND: /);
});

test("a chat by the daemon needs its key, and says where it comes from", async (t) => {
  const daemon = await startDaemon(t, { model: "", env: { HEARTH_AUTH_MODE: "required", HEARTH_AUTH_KEYS: hash } });
  const listen = { HEARTH_LISTEN: daemon.url.replace("http://", "") };
  const stdin = "Hello! Who are you?\n";
  const refused = await hearth(t, ["chat"], { env: listen, stdin });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /API_KEY_INVALID: .*HEARTH_API_KEY/);
  const answered = await hearth(t, ["chat"], { env: { ...listen, HEARTH_API_KEY: key }, stdin });
  assert.match(answered.stdout, /Spark/);
  const wrong = await hearth(t, ["chat", "nosuchmodel"], { env: { ...listen, HEARTH_API_KEY: key }, stdin });
  assert.match(wrong.stderr, /MODEL_NOT_FOUND: The daemon has no model "nosuchmodel"\. It has .*spark/);
});

const key = "hearth_a-key-of-this-test";
const hash = hashKey(key);

test("a chat whose reader goes away ends", async (t) => {
  const child = spawnHearth(t, ["chat"], { ...alone, ...slow });
  child.stdin.end(`${story}\n`.repeat(20));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.stdout.destroy();
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
});
