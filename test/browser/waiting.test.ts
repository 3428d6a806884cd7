/** Whoever waits for a key, a model, a place, a prompt that is read or for thoughts sees it on the page; and an answer can be stopped. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test, { after } from "node:test";
import type { ApiKey } from "../../src/base/api-key.js";
import { deferred } from "../../src/base/async.js";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { startServer } from "../helpers/server.js";
import { answered, closeBrowser, openPage, say, themes, widths, withoutBrowser } from "./browser.js";

after(closeBrowser);

const options = { skip: withoutBrowser };
const story = Array.from({ length: 400 }, (_, i) => `word${i}`).join(" ");
const pages = pageFiles();
const config = { "context.tokens": 20_000 };
const slow = { next: scripted(story), contextTrained: 20_000, stepMs: () => 20 };
const views = widths.flatMap((width) => themes.map((theme) => ({ width, theme })));

for (const view of views) {
  test(`an answer is stopped with what it has at ${view.width} px, ${view.theme}`, options, async (t) => {
    const server = await startServer(t, { pages, fake: slow, config });
    const { page } = await openPage(t, server.url, view);
    await say(page, "Tell me a story");
    await page.getByText("word5").waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByText("Stopped", { exact: true }).waitFor();
    await answered(page);
    const text = (await page.locator(".message.answer .markdown").textContent()) ?? "";
    assert.ok(text.includes("word5") && story.startsWith(text.trim()) && text.length < story.length, text);
    await server.atRest();
    await say(page, "Go on");
    await page.locator(".message.answer").nth(1).getByText("word5").waitFor();
  });
}

test("who waits for others reads the place in the queue", options, async (t) => {
  const server = await startServer(t, { pages, fake: slow, config: { ...config, "scheduler.slots": 1 } });
  const first = (await openPage(t, server.url)).page;
  await say(first, "Tell me a story");
  await first.getByText("word5").waitFor();
  const second = (await openPage(t, server.url, { width: 360, theme: "dark" })).page;
  await say(second, "Me too");
  await second.getByText("Waiting: place 1 in the queue").waitFor();
  await first.getByRole("button", { name: "Stop", exact: true }).click();
  await second.getByText("word5").waitFor();
});

test("while a long prompt is read the page says how far", options, async (t) => {
  const fake = { ...slow, stepMs: () => 150 };
  const server = await startServer(t, { pages, fake, config });
  const { page } = await openPage(t, server.url);
  await say(page, "All of it. ".repeat(800));
  await page.getByText(/^Reading the prompt: [\d,]+ of 8,\d+ tokens/).waitFor();
  await page.locator("progress").waitFor();
  await page.getByText(/about .* left/).waitFor();
});

test("a page that opens while the model is loaded waits for it by itself", options, async (t) => {
  const loaded = deferred<void>();
  const fake = { ...slow, stepMs: () => 0, loading: loaded.promise };
  const server = await startServer(t, { pages, fake, config, loading: true });
  const { page } = await openPage(t, server.url, { allowErrors: /503/ });
  await say(page, "Tell me a story");
  await page.getByText("The model is being loaded. Goes on by itself.").waitFor();
  loaded.resolve();
  await page.getByText("word399").waitFor();
});

test("a page asks for its key once, and a link brings it", options, async (t) => {
  const secret = "hearth_of_the_kitchen";
  const hash = createHash("sha256").update(secret).digest("hex");
  const key: ApiKey = {
    ...{ id: "k", name: "kitchen", hash, scopes: ["generate"], requestsPerMinute: null, concurrentRequests: null },
  };
  const fake = { ...slow, stepMs: () => 0 };
  const server = await startServer(t, {
    ...{ pages, fake, keys: () => [key], config: { ...config, "auth.mode": "required" as const } },
  });
  const refused = { allowErrors: /401|WebSocket/ };
  const { page } = await openPage(t, server.url, refused);
  const enter = async (text: string) => {
    await page.getByLabel("Key", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Use this key" }).click();
  };
  await enter("hearth_of_nobody");
  await page.getByText("The server does not know this key.").waitFor();
  await enter(secret);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.reload();
  await say(page, "Tell me a story");
  await page.getByText("word399").waitFor();

  const { page: other } = await openPage(t, `${server.url}/#key=${secret}`);
  assert.ok(!other.url().includes(secret), "the key does not stay in the address");
  await say(other, "Tell me a story");
  await other.getByText("word399").last().waitFor();
});

test("thoughts are folded, and open to whoever wants to read them", options, async (t) => {
  const template =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{% endfor %}[assistant]";
  const fake = {
    next: scripted("<think>The fox is red.</think>\n\nIt is red."),
    chatTemplate: template,
  };
  const server = await startServer(t, { pages, fake });
  const { page } = await openPage(t, server.url);
  await say(page, "Which colour?");
  await page.getByText("It is red.").waitFor();
  assert.equal(await page.getByText("The fox is red.").count(), 0);
  await page.getByText("Thoughts", { exact: true }).click();
  await page.getByText("The fox is red.").waitFor();
});
