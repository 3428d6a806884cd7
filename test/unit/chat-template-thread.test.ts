import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ChatTemplate, templateLimits } from "../../src/chat/template.js";
import { TemplateThread } from "../../src/chat/template-thread.js";
import { root } from "../helpers/shared.js";

// A thread has no loader for TypeScript.
const script = pathToFileURL(path.join(root, "dist", "chat", "template-worker.js"));
const skip = existsSync(script) ? false : "`npm run build` makes the thread's script";

test("conversations are rendered on another thread, in order, at the time that was given", { skip }, async (t) => {
  const thread = new TemplateThread(script);
  t.after(() => thread.close());
  const now = () => new Date(2026, 10, 23);
  const template = new ChatTemplate("{{ messages[0].content }} {{ strftime_now('%Y') }}", templateLimits, now);
  const other = new ChatTemplate("other {{ messages[0].content }}", templateLimits, now);
  const texts = await Promise.all(
    [template, other, template].map((each, i) => thread.render(each, { messages: [{ content: `m${i}` }] })),
  );
  assert.deepEqual(texts, ["m0 2026", "other m1", "m2 2026"]);
});

test("while a template takes its time, this thread goes on", { skip }, async (t) => {
  const thread = new TemplateThread(script);
  t.after(() => thread.close());
  const source =
    "{% if slow %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{% endif %}";
  const template = new ChatTemplate(source, { ...templateLimits, steps: 1_000_000_000, timeoutMs: 500 });
  assert.equal(await thread.render(template, {}), "");
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const slow = thread.render(template, { slow: true });
  await assert.rejects(slow, { code: "CHAT_TEMPLATE_FAILED", message: /did not end within 500 ms/ });
  clearInterval(timer);
  assert.ok(turns > 10, `${turns} turns`);
  assert.equal(await thread.render(template, {}), "");
});

test("a template that takes all memory ends its thread, and the next conversation gets a new one", {
  skip,
}, async (t) => {
  const thread = new TemplateThread(script);
  t.after(() => thread.close());
  // Every upper() is a text of its own; the list keeps them.
  const source =
    "{% set ns = namespace(all=[]) %}{% if greedy %}{% for i in range(4000) %}" +
    "{% set ns.all = ns.all + [(text ~ i) | upper] %}{% endfor %}{% endif %}{{ ns.all | length }}";
  const template = new ChatTemplate(source, { ...templateLimits, steps: 1_000_000_000, timeoutMs: 60_000 });
  const text = "x".repeat(1 << 20);
  await assert.rejects(thread.render(template, { greedy: true, text }), { code: "CHAT_TEMPLATE_FAILED" });
  assert.equal(await thread.render(template, { text }), "0");
});

test("who waits when the thread is closed is told so, and so is who comes later", { skip }, async () => {
  const thread = new TemplateThread(script);
  const template = new ChatTemplate("{{ x }}");
  const waiting = assert.rejects(thread.render(template, {}), { code: "SHUTTING_DOWN" });
  await thread.close();
  await waiting;
  await assert.rejects(thread.render(template, {}), { code: "SHUTTING_DOWN" });
});
