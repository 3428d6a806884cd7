/** Answers over cuts, reloads and restarts: no token is lost or comes twice. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { answered, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";
import { cuttableProxy } from "./cuttable-proxy.js";

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
