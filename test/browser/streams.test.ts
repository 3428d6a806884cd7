/** Answers over cuts, reloads and restarts: no token is lost or comes twice. And very long ones: the page stays quick and small. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { deferred } from "../../src/base/async.js";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { answered, busyness, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";
import { cuttableProxy } from "./cuttable-proxy.js";
import { eventSource } from "./event-source.js";
import { type Work, WorkMeter } from "./work-meter.js";

after(closeBrowser);

const options = { skip: withoutBrowser };
const allowErrors = /ERR_|WebSocket|Failed to load/;

const story = Array.from({ length: 1200 }, (_, i) => `word${i}`).join(" ");
const fake = { next: scripted(story), contextTrained: 100_000, stepMs: () => 2 };
const config = { "context.tokens": 100_000 };

const textOf = (page: Parameters<typeof say>[0]) =>
  page.locator(".message.answer .markdown").evaluate((element) => (element.textContent ?? "").trim());

const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, "");

/** The text of an answer of the only chat that the server keeps. */
async function keptAnswer(url: string, index: number): Promise<string> {
  const { data } = await (await fetch(`${url}/hearth/v1/chats`)).json();
  assert.equal(data.length, 1);
  const { content } = await (await fetch(`${url}/hearth/v1/chats/${data[0].id}`)).json();
  const answers = content.nodes.filter((node: { role: string }) => node.role === "assistant");
  assert.equal(answers.length, index + 1);
  assert.equal(answers[index].status, "completed");
  return answers[index].parts.map((part: { text?: string }) => part.text ?? "").join("\n");
}

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
      // The whole answer is there once, as the server has it.
      const answer = page
        .locator(".message.answer")
        .nth(restart - 1)
        .locator(".markdown");
      const kept = await keptAnswer(daemon.url, restart - 1);
      assert.ok(kept.length > 20, kept);
      assert.equal(letters((await answer.textContent()) ?? ""), letters(kept));
      assert.equal(await page.locator(".note.error").count(), 0);
    }
  },
);

test(
  "a second browser sees an answer grow that the first one asked for, and both have it whole",
  options,
  async (t) => {
    const slow = { ...fake, stepMs: () => 6 };
    const server = await startServer(t, { pages: pageFiles(), fake: slow, config });
    const { page } = await openPage(t, server.url);
    // The server does not know the response any more once the first page has put the answer into the chat.
    const other = (await openPage(t, server.url, { allowErrors: /404/ })).page;
    await say(page, "Tell me a story");
    await page.getByText("word20").waitFor();
    await other.reload();
    await other.locator(".chats .open", { hasText: "Tell me a story" }).click();
    const seen = new Set<string>();
    while ((await other.locator(".figures").count()) === 0) {
      const text = await other.locator(".message.answer").evaluate((element) => {
        return (element.querySelector(".markdown")?.textContent ?? "").trim();
      });
      assert.ok(story.startsWith(text), `a piece is missing or there twice: ...${text.slice(-80)}`);
      seen.add(text);
      await delay(100);
    }
    t.diagnostic(`the second browser saw ${seen.size} states of the answer`);
    assert.ok(seen.size > 3, `it saw ${seen.size} states alone`);
    assert.equal(await textOf(other), story);
    await answered(page, 90_000);
    assert.equal(await textOf(page), story);
    assert.equal(await page.locator(".message.answer").count(), 1);
  },
);

const words = "Some **words** of a `long` answer, with a [link](https://example.org) and more.".split(/(?= )/);
const paragraph = [...words, "\n\n"];
const pieces = Array.from({ length: 100_000 }, (_, i) => paragraph[i % paragraph.length] ?? "");
/** Tokens after which the page is measured: what 20,000 of them cost early is compared with what as many cost late. */
const marks = [1000, 10_000, 30_000, 80_000, 100_000] as const;

test("100,000 tokens leave the page quick, and its memory grows with the text alone", options, async (t) => {
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

test(
  "100,000 tokens in the kiosk: the last cost no more than the first, and its memory is steady",
  options,
  async (t) => {
    const server = await startServer(t, { pages: pageFiles() });
    const works: Work[] = [];
    let meter: WorkMeter | null = null;
    // They belong to the first second of the page, and to the answer's beginning, when the words come to stand in the middle.
    let firstTasks = 0;
    let firstShifts = 0;
    const measure = async () => {
      if (!meter) return;
      works.push(await meter.read());
      if (works.length > 1) return;
      firstTasks = (await meter.longTasks()).length;
      firstShifts = (await meter.layoutShifts()).length;
    };
    const measured = deferred<void>();
    const rests = new Map(
      marks.map((mark) => [mark, mark === 100_000 ? () => measure().then(() => measured.resolve()) : measure]),
    );
    const url = await eventSource(t, server.url, pieces, rests);
    const { page } = await openPage(t, `${url}/kiosk?prompt=Write&every=86400`);
    meter = await WorkMeter.of(page);
    await measured.promise;
    const [first, at10k, at30k, at80k, at100k] = works as [Work, Work, Work, Work, Work];
    const early = {
      task: at30k.taskMs - at10k.taskMs,
      long: at30k.longMs - at10k.longMs,
      heap: at30k.heap - at10k.heap,
    };
    const late = {
      task: at100k.taskMs - at80k.taskMs,
      long: at100k.longMs - at80k.longMs,
      heap: at100k.heap - at80k.heap,
    };
    const tasks = (await meter.longTasks()).slice(firstTasks);
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    t.diagnostic(
      `20,000 tokens: ${early.task.toFixed(0)} ms of the page's thread early, ${late.task.toFixed(0)} ms late`,
    );
    t.diagnostic(
      `tasks over 50 ms: ${early.long.toFixed(0)} ms early, ${late.long.toFixed(0)} ms late; all ${tasks.map(Math.round)}`,
    );
    t.diagnostic(
      `heap grew by ${megabytes(early.heap)} MB early, ${megabytes(late.heap)} MB late, ${megabytes(at100k.heap - first.heap)} MB in all`,
    );
    assert.ok(late.task <= 1.5 * early.task, "the last tokens cost more than the first");
    // A task may be long without working where other programs want the processor; some such do not count.
    assert.ok(late.long <= 1.5 * early.long + 500 * (busyness() - 1) + 100, "the last tokens hold the page up");
    assert.ok(late.heap <= 1.5 * Math.max(early.heap, 1e6), "the last tokens take more memory than the first");
    assert.ok(at100k.heap - first.heap < 40e6, "the heap grew");
    if (busyness() === 1) assert.deepEqual(tasks, [], "frames over 50 ms on a quiet machine");
    const shifts = (await meter.layoutShifts()).slice(firstShifts);
    t.diagnostic(`layout shifts: ${shifts.map((value) => value.toFixed(4))}`);
    assert.ok(
      shifts.every((value) => value < 0.001),
      "the page's layout shifted",
    );
  },
);
