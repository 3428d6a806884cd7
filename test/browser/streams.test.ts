/** Answers over cuts, reloads and restarts: no token is lost or comes twice. And very long ones: the page stays quick and small. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { answered, busyness, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";
import { cuttableProxy } from "./cuttable-proxy.js";
import { eventSource } from "./event-source.js";

after(closeBrowser);

const options = { skip: withoutBrowser };
const allowErrors = /ERR_|WebSocket|Failed to load/;

const story = Array.from({ length: 1200 }, (_, i) => `word${i}`).join(" ");
const fake = { next: scripted(story), contextTrained: 100_000, stepMs: () => 2 };
const config = { "context.tokens": 100_000 };

const textOf = (page: Parameters<typeof say>[0]) =>
  page.locator(".message.answer .markdown").evaluate((element) => (element.textContent ?? "").trim());

test(
  "a network that is cut for 30 s in the middle of an answer costs no token, and none comes twice",
  options,
  async (t) => {
    const server = await startServer(t, { pages: pageFiles(), fake, config });
    const proxy = await cuttableProxy(t, server.port);
    const { page } = await openPage(t, proxy.url, { allowErrors });
    await say(page, "Tell me a story");
    await page.getByText("word20").waitFor();
    proxy.cut();
    await page.getByText("No connection to the server").waitFor();
    await delay(30_000);
    proxy.mend();
    await answered(page, 90_000);
    assert.equal(await textOf(page), story);
  },
);

test("a page that is reloaded in the middle of an answer reads on", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles(), fake, config });
  const { page } = await openPage(t, server.url);
  await say(page, "Tell me a story");
  await page.getByText("word20").waitFor();
  await page.reload();
  await page.getByText("word21").waitFor();
  await answered(page, 90_000);
  assert.equal(await textOf(page), story);
});

test("a page that was closed in the middle of an answer finds it whole in the chat", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles(), fake, config });
  const { page, context } = await openPage(t, server.url);
  await say(page, "Tell me a story");
  await page.getByText("word20").waitFor();
  await page.close({ runBeforeUnload: false });
  const again = await context.newPage();
  await again.goto(server.url);
  await again.locator(".chats .open").first().click();
  await again.getByText("word1199").waitFor({ timeout: 90_000 });
  assert.equal(await textOf(again), story);
});

test(
  "a page goes on by itself over three restarts of the server, and asks again for what was lost",
  options,
  async (t) => {
    const state = temporaryFolder(t);
    const start = (listen: string) =>
      startDaemon(t, { model: "", args: ["--listen", listen], env: { HEARTH_STATE: state } });
    let daemon = await start("127.0.0.1:0");
    const { host } = new URL(daemon.url);
    const { page } = await openPage(t, daemon.url, { allowErrors });
    for (let restart = 1; restart <= 3; restart++) {
      await say(page, "Once upon a time");
      await page
        .locator(".message.answer")
        .nth(restart - 1)
        .locator(".markdown")
        .waitFor();
      daemon.kill("SIGKILL");
      await daemon.exited;
      daemon = await start(host);
      await answered(page, 90_000);
      const text = await page
        .locator(".message.answer")
        .nth(restart - 1)
        .locator(".markdown")
        .textContent();
      assert.ok((text ?? "").trim().length > 0);
      assert.equal(await page.locator(".note.error").count(), 0);
    }
  },
);

test("100,000 tokens leave the page quick, and its memory grows with the text alone", options, async (t) => {
  const words = "Some **words** of a `long` answer, with a [link](https://example.org) and more.".split(/(?= )/);
  const paragraph = [...words, "\n\n"];
  const pieces = Array.from({ length: 100_000 }, (_, i) => paragraph[i % paragraph.length] ?? "");
  const server = await startServer(t, { pages: pageFiles() });
  const { page, context } = await openPage(t, await eventSource(t, server.url, pieces));
  const session = await context.newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    return usedSize / 1e6;
  };
  await say(page, "Write a lot");
  await page.locator(".message.answer .markdown").waitFor();
  await delay(1000);
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(window, { tasks });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: "longtask" });
  });
  const shift = await page.evaluate(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: "layout-shift" });
    return shifts.length;
  });
  const before = await heap();
  await answered(page, 240_000);
  const grown = (await heap()) - before;
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
  t.diagnostic(
    `heap grew by ${grown.toFixed(1)} MB; ${tasks.length} tasks over 50 ms, longest ${Math.max(0, ...tasks)} ms`,
  );
  t.diagnostic(`layout shifts ${shifts.reduce((sum, value) => sum + value, shift).toFixed(3)}`);
  assert.ok(grown < 40, `the heap grew by ${grown.toFixed(1)} MB`);
  // Other programs on the processor make a task longer than it is.
  const late = tasks.filter((duration) => duration > 100 * busyness());
  assert.ok(late.length <= 3, `tasks of ${late.map(Math.round)} ms`);
});
