/** Prefixes on disk with a real daemon: killed in cold blood, also while it writes, and started again. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { hearth } from "../helpers/command.js";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";

/** Random weights, so that an answer of few tokens is much less work than its prompt. */
let model = "";
const folder = mkdtempSync(path.join(tmpdir(), "hearth-prefixes-"));
before(async () => {
  model = path.join(folder, "model.gguf");
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q4_0", model);
});
after(() => rmSync(folder, { recursive: true }));

/** Digits are no words of the synthetic vocabulary: a token each. */
const house = (tokens: number) => Array.from({ length: tokens }, (_, i) => (i * 7919 + ((i * i) >> 3)) % 10).join("");
const begin = house(400);

const env = (state: string, more: Record<string, string> = {}) => ({
  HEARTH_STATE: state,
  HEARTH_PREFIX_IDLE_MS: "50",
  HEARTH_MODEL_LOAD_WAIT_MS: "60000",
  ...more,
});

async function ask(daemon: TestDaemon, prompt: string) {
  const response = await fetch(`${daemon.url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", prompt, max_tokens: 6, temperature: 0 }),
  });
  assert.equal(response.status, 200);
  const { usage, choices } = (await response.json()) as {
    usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
    choices: { text: string }[];
  };
  return { text: choices[0]?.text, cached: usage.prompt_tokens_details.cached_tokens, tokens: usage.prompt_tokens };
}

const stored = (state: string) => readdirSync(path.join(state, "prefixes")).filter((name) => name.endsWith(".kv"));

test("what a daemon had read is there after kill -9; damaged, it costs a cold start and a log line", async (t) => {
  const state = temporaryFolder(t);
  const question = `${begin} who is there?`;
  const first = await startDaemon(t, { model, env: env(state) });
  await ask(first, `${begin} is the light on?`);
  const again = await ask(first, `${begin} how warm is it?`);
  assert.ok(again.cached >= 400, `${again.cached} tokens`);
  await first.logged("a prefix was stored");
  first.kill("SIGKILL");
  await first.exited;

  const off = await startDaemon(t, { model, env: env(state, { HEARTH_PREFIX_DISK_BYTES: "0" }) });
  const cold = await ask(off, question);
  assert.equal(cold.cached, 0, "switched off");
  off.kill("SIGKILL");
  await off.exited;

  const second = await startDaemon(t, { model, env: env(state) });
  const warm = await ask(second, question);
  assert.ok(warm.cached >= 400, `${warm.cached} tokens`);
  assert.equal(warm.text, cold.text);
  assert.equal(await second.metric("hearth_prefix_restores_total"), 1);
  second.kill("SIGKILL");
  await second.exited;

  const file = path.join(state, "prefixes", stored(state)[0] ?? "");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const third = await startDaemon(t, { model, env: env(state) });
  const damaged = await ask(third, question);
  assert.equal(damaged.cached, 0);
  assert.equal(damaged.text, cold.text);
  const complaints = third.log.filter(({ level }) => level === "warn" || level === "error");
  assert.deepEqual(
    complaints.map(({ msg }) => msg),
    ["a stored prefix cannot be used and was removed"],
  );
  assert.equal((await fetch(`${third.url}/readyz`)).status, 200);
  third.kill("SIGTERM");
  assert.equal(await third.exited, 0);
});

test("killed while it writes, a daemon leaves nothing that the next one stumbles over", async (t) => {
  const state = temporaryFolder(t);
  const prefixes = path.join(state, "prefixes");
  let cut = 0;
  for (let round = 0; round < 6; round++) {
    const daemon = await startDaemon(t, { model, env: env(state) });
    const question = house(400 + 300 * round);
    for (const end of [" is the light on?", " how warm is it?"]) await ask(daemon, question + end);
    // Some milliseconds after the writing has begun, later in each round.
    const isWriting = () => readdirSync(prefixes).some((name) => name.endsWith(".tmp"));
    const deadline = Date.now() + 10_000;
    while (!isWriting() && !daemon.log.some(({ msg }) => msg === "a prefix was stored") && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve));
    if (isWriting()) cut++;
    daemon.kill("SIGKILL");
    await daemon.exited;
  }
  t.diagnostic(`${cut} of 6 were cut short`);
  const last = await startDaemon(t, { model, env: env(state) });
  const { cached, text } = await ask(last, `${begin} who is there?`);
  assert.deepEqual(
    readdirSync(prefixes).filter((name) => name.endsWith(".tmp")),
    [],
  );
  assert.deepEqual(
    last.log.filter(({ level }) => level === "warn" || level === "error"),
    [],
  );
  const cold = await startDaemon(t, { model, env: env(temporaryFolder(t)) });
  assert.equal((await ask(cold, `${begin} who is there?`)).text, text);
  t.diagnostic(`${cached} tokens were there`);
});

test("a daemon that is told to stop writes first what it has not written yet", async (t) => {
  const state = temporaryFolder(t);
  const daemon = await startDaemon(t, { model, env: env(state, { HEARTH_PREFIX_IDLE_MS: "3600000" }) });
  for (const end of [" is the light on?", " how warm is it?"]) await ask(daemon, begin + end);
  assert.deepEqual(stored(state), []);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
  assert.equal(stored(state).length, 1);
});

test("pinned prompts are read at the start, and from disk the next time; a bad file is named", async (t) => {
  const state = temporaryFolder(t);
  const pinned = path.join(state, "pinned");
  mkdirSync(pinned);
  const text = path.join(pinned, "house.txt");
  const request = path.join(pinned, "assistant.json");
  writeFileSync(text, `${begin}\n`);
  const tools = [
    {
      type: "function",
      function: { name: "HassTurnOn", description: "Turns on a device", parameters: { type: "object" } },
    },
  ];
  const messages = [
    { role: "system", content: `Assistant of house(9). ${house(300)}` },
    { role: "user", content: "Which question this is does not matter" },
  ];
  writeFileSync(request, JSON.stringify({ messages, tools }));
  const options = {
    model,
    env: env(state, { HEARTH_PREFIX_PINNED: `${text},${request}`, HEARTH_MODEL_FALLBACK_TEMPLATE: "chatml" }),
  };
  const chat = async (daemon: TestDaemon, content: string) => {
    const response = await fetch(`${daemon.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "default",
        messages: [messages[0], { role: "user", content }],
        tools,
        max_tokens: 2,
      }),
    });
    assert.equal(response.status, 200);
    const { usage } = (await response.json()) as { usage: { prompt_tokens_details: { cached_tokens: number } } };
    return usage.prompt_tokens_details.cached_tokens;
  };
  const first = await startDaemon(t, options);
  const read = await first.logged("a pinned prompt was read");
  assert.equal(read.cachedTokens, 0);
  while (first.log.filter(({ msg }) => msg === "a pinned prompt was read").length < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok((await chat(first, "Turn on the light")) >= 300, "before anybody had asked");
  while (stored(state).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  first.kill("SIGKILL");
  await first.exited;
  const second = await startDaemon(t, options);
  const again = await second.logged("a pinned prompt was read");
  assert.equal(again.cachedTokens, again.promptTokens);
  second.kill("SIGKILL");
  await second.exited;

  for (const [name, content, why] of [
    ["missing.txt", null, /missing\.txt: ENOENT/],
    ["nothing.json", "{}", /nothing\.json: messages: /],
    ["list.json", "[]", /list\.json: .*expected object/],
  ] as const) {
    const file = path.join(pinned, name);
    if (content !== null) writeFileSync(file, content);
    const args = ["serve", "--model", model, "--listen", "127.0.0.1:0"];
    const result = await hearth(t, args, { env: { HEARTH_STATE: state, HEARTH_PREFIX_PINNED: file } });
    assert.equal(result.status, 2);
    assert.match(result.stderr, /CONFIG_BAD_VALUE: prefix\.pinned/);
    assert.match(result.stderr, why);
  }
});
