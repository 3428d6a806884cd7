import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { templateLimits } from "../../../src/chat/template.js";
import { TemplateThread } from "../../../src/chat/template-thread.js";
import { root } from "../../helpers/shared.js";

// A thread has no loader for TypeScript.
const script = pathToFileURL(path.join(root, "dist", "chat", "template-worker.js"));
const skip = existsSync(script) ? false : "`npm run build` makes the thread's script";

const now = new Date(2026, 10, 23).getTime();
const order = (source: string, variables: Record<string, unknown> = {}, limits = templateLimits) => ({
  source,
  now,
  limits,
  variables,
});
const opening = (source: string) => ({ source, now, tokens: {}, specialTexts: [] });

function startThread(t: { after(hook: () => Promise<void>): void }): TemplateThread {
  const thread = new TemplateThread(script);
  t.after(() => thread.close());
  return thread;
}

/** The turns of this thread's event loop while `work` goes on. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  await work;
  clearInterval(timer);
  return turns;
}

test("conversations are rendered on another thread, in order, at the time that was given", { skip }, async (t) => {
  const thread = startThread(t);
  const sources = ["{{ messages[0].content }} {{ strftime_now('%Y') }}", "other {{ messages[0].content }}"];
  const texts = await Promise.all(
    [0, 1, 0].map((which, i) => thread.render(order(sources[which] ?? "", { messages: [{ content: `m${i}` }] }))),
  );
  assert.deepEqual(texts, ["m0 2026", "other m1", "m2 2026"]);
});

test("while a template takes its time, this thread goes on", { skip }, async (t) => {
  const thread = startThread(t);
  const source =
    "{% if slow %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{% endif %}";
  const limits = { ...templateLimits, steps: 1_000_000_000, timeoutMs: 500 };
  assert.equal(await thread.render(order(source)), "");
  const slow = assert.rejects(thread.render(order(source, { slow: true }, limits)), {
    code: "CHAT_TEMPLATE_FAILED",
    message: /did not end within 500 ms/,
  });
  const turns = await turnsDuring(slow);
  assert.ok(turns > 10, `${turns} turns`);
  assert.equal(await thread.render(order(source)), "");
});

test("a template that never ends on any conversation is refused when it is opened, within the limit", {
  skip,
}, async (t) => {
  const thread = startThread(t);
  const loop = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
  const started = performance.now();
  const refused = assert.rejects(thread.open(opening(loop)), { code: "CHAT_TEMPLATE_FAILED" });
  assert.ok((await turnsDuring(refused)) > 3);
  assert.ok(performance.now() - started < 6_000);
  assert.equal((await thread.open(opening("{{ messages[0].content }}"))).traits.system, true);
});

test("a template that keeps large texts is refused when it is opened, and the next one is not", { skip }, async (t) => {
  const thread = startThread(t);
  const greedy =
    "{% set ns = namespace(s='aaaaaaaaaaaaaaaa', l=[]) %}{% for i in range(19) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}" +
    "{% for i in range(100000) %}{% set ns.l = [ns.l, ns.s|upper] %}{% endfor %}";
  await assert.rejects(thread.open(opening(greedy)), { code: "CHAT_TEMPLATE_FAILED", message: /memory/ });
  assert.equal(await thread.render(order("x")), "x");
});

test("a thread that takes all memory is ended, and the next conversation gets a new one", { skip }, async (t) => {
  const thread = startThread(t);
  // Every upper() is a text of its own; the list keeps them.
  const source =
    "{% set ns = namespace(all=[]) %}{% for i in range(4000) %}" +
    "{% set ns.all = ns.all + [(text ~ i) | upper] %}{% endfor %}{{ ns.all | length }}";
  const endless = { steps: 1e12, timeoutMs: 60_000, outputChars: 1e12, allocatedChars: 1e15 };
  const waiting = thread.render(order(source, { text: "x".repeat(1 << 20) }, endless));
  const behind = thread.render(order("behind"));
  await assert.rejects(waiting, { code: "CHAT_TEMPLATE_FAILED", message: /memory/ });
  assert.equal(await behind, "behind");
});

test("a thread that does not answer is ended from outside, and only its own order fails", { skip }, async (t) => {
  // Says that it is ready, and is then busy for ever with every order but the one that asks for an echo.
  const deaf = new URL(
    `data:text/javascript,${encodeURIComponent(
      'import { parentPort } from "node:worker_threads";' +
        'parentPort.on("message", (order) => { if (order.source !== "echo") for (;;); parentPort.postMessage({ text: "echo" }); });' +
        'parentPort.postMessage("ready");',
    )}`,
  );
  const thread = new TemplateThread(deaf);
  t.after(() => thread.close());
  const lost = thread.render(order("deaf", {}, { ...templateLimits, timeoutMs: 100 }));
  const behind = thread.render(order("echo"));
  await assert.rejects(lost, { code: "CHAT_TEMPLATE_FAILED", message: /did not end within 100 ms/ });
  assert.equal(await behind, "echo");
});

test("a whole number that was written as a float stays one on its way to the thread", { skip }, async (t) => {
  const thread = startThread(t);
  const source = "{{ [a, b, c, d] }}";
  const variables = { a: new Number(21), b: 21, c: 0.5, d: new Map([["1", new Number(2)]]) };
  assert.equal(await thread.render(order(source, variables)), "[21.0, 21, 0.5, {'1': 2.0}]");
});

test("who waits when the thread is closed is told so, and so is who comes later", { skip }, async () => {
  const thread = new TemplateThread(script);
  const waiting = assert.rejects(thread.render(order("{{ x }}")), { code: "SHUTTING_DOWN" });
  await thread.close();
  await waiting;
  await assert.rejects(thread.render(order("{{ x }}")), { code: "SHUTTING_DOWN" });
});

test("a board that is busy for seconds while a model is loaded opens its template all the same", {
  skip,
}, async (t) => {
  const slow = new URL(
    `data:text/javascript,${encodeURIComponent(
      'import { parentPort } from "node:worker_threads";' +
        'parentPort.on("message", ({ limits }) => setTimeout(() => parentPort.postMessage({ opened: limits }), 4000));' +
        'parentPort.postMessage("ready");',
    )}`,
  );
  const thread = new TemplateThread(slow);
  t.after(() => thread.close());
  const { steps } = (await thread.open(opening("x"))) as unknown as typeof templateLimits;
  assert.equal(steps, templateLimits.steps, "its work is bounded as before");
});
