/** Whatever a model or a file says: it is shown as text, runs nothing, loads nothing and freezes nothing. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test, { after } from "node:test";
import type { Page } from "playwright-core";
import { pageFiles } from "../../src/daemon/page-files.js";
import { visible } from "../../src/web/markdown/visible.js";
import { scripted } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { answered, busyness, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";
import { WorkMeter } from "./work-meter.js";

after(closeBrowser);

const options = { skip: withoutBrowser };

const markup = `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"><iframe srcdoc="<script>top.hacked=1</script>"></iframe>
<svg onload="window.hacked = 1"></svg>

[a link](javascript:window.hacked=1) ![a picture](http://example.com/spy.png) <http://example.com/>

<style>body { display: none }</style><a href="javascript:window.hacked=1">x</a>

$\\href{javascript:window.hacked=1}{x}$ $\\includegraphics{http://example.com/spy.png}$ $\\htmlClass{evil}{x}$ $\\def\\a{\\a\\a}\\a$

\`\`\`html
<script>window.hacked = 1</script>
\`\`\`
`;

test("markup of a model is text: nothing runs, and nothing is loaded", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles(), fake: { next: scripted(markup), contextTrained: 8000 } });
  const { page } = await openPage(t, server.url);
  await say(page, markup);
  await answered(page);
  await page.getByText('<img src=x onerror="window.hacked = 1">').first().waitFor();
  assert.equal(await page.evaluate(() => "hacked" in window), false);
  const answer = page.locator(".message.answer");
  for (const element of ["script", "img", "iframe", "style", "svg[onload]"]) {
    assert.equal(await answer.locator(element).count(), 0, element);
  }
  const links = await answer.locator("a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.ok(links.length > 0 && links.every((link) => link?.startsWith("http://example.com/")), String(links));
});

/** Texts that make pages slow or mislead people. */
const texts: Readonly<Record<string, string>> = {
  word: "x".repeat(1_000_000),
  lines: "a line of text\n".repeat(10_000),
  paragraphs: "a paragraph\n\n".repeat(10_000),
  controls: "a\u0000b\u0007c\u001b[31md\u202egnp.exe\u2066",
  stars: "*a ".repeat(30_000),
  brackets: "[".repeat(50_000),
  halfLinks: "[](".repeat(30_000),
  quotes: ">".repeat(20_000),
  lists: Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}- x`).join("\n"),
  backticks: Array.from({ length: 400 }, (_, i) => "`".repeat(i)).join(" "),
  table: `|${"a|".repeat(2000)}\n|${"-|".repeat(2000)}\n|${"b|".repeat(2000)}`,
  angles: "<".repeat(50_000),
  dollars: "$x".repeat(20_000),
  emphasis: `${"**_".repeat(8000)}x`,
  code: `\`\`\`js\n${"const a = { b: `c` + d };\n".repeat(5000)}`,
  formula: `$$\n${"\\frac{".repeat(500)}x${"}".repeat(500)}\n$$`,
};

/** Words as people write them, of the same length: what a text of every kind is measured by. */
function plain(length: number): string {
  const sentence = "The fox came back to the garden in the evening, and the fire was warm. ";
  return `${sentence.repeat(6)}\n\n`.repeat(Math.ceil(length / (6 * sentence.length + 2))).slice(0, length);
}

/** Letters and digits alone: Markdown takes marks away, and pages show some that are invisible by their numbers. */
const letters = (text: string) => text.replace(/⟨U\+[0-9A-F]+⟩/g, "").replace(/[^\p{L}\p{N}]/gu, "");

/** Answers whose letters are not all of their text: code has the name of its language, and formulas have other letters. */
const seenOf: Readonly<Record<string, (shown: string, text: string) => boolean>> = {
  code: (shown, text) => letters(shown).includes(letters(text.slice("```js".length))),
  formula: (shown) => letters(shown).includes("x"),
};

const longestQuestion = 400_000;
const longestAnswer = 500_000;

/** A chat of a question and an answer that are the same text. */
function chatOf(title: string, text: string) {
  const question = { id: `q${title}`, parent: null, at: 1, role: "user", text: text.slice(0, longestQuestion) };
  const figures = { inputTokens: 1, cachedTokens: 0, outputTokens: 2, firstMs: 3, tokensPerSecond: 4 };
  const parts = [{ kind: "text", text: text.slice(0, longestAnswer) }];
  const base = { id: `a${title}`, parent: question.id, at: 2, role: "assistant", status: "completed", parts, figures };
  return { title, content: { version: 1, settings: {}, nodes: [question, base], leaf: base.id } };
}

interface Opening {
  /** Milliseconds that the page's thread computed, in all and in its longest task. */
  readonly taskMs: number;
  readonly longestTask: number;
  /** Milliseconds that a key waited for its frame which somebody pressed meanwhile: the slowest but one, for the machine has pauses. */
  readonly slowKey: number;
}

/** Opens a chat and writes into its composer, until all of the chat is on the page. */
async function open(page: Page, meter: WorkMeter, title: string): Promise<Opening> {
  await page.getByRole("button", { name: "New chat" }).click();
  const { taskMs } = await meter.read();
  const keys = (await meter.keyAnswers()).length;
  await meter.startTrace();
  await page
    .locator(".chats .open")
    .filter({ has: page.getByText(title, { exact: true }) })
    .click();
  await page.getByRole("heading", { name: title, exact: true }).waitFor();
  const composer = page.getByRole("textbox", { name: "Message" });
  await composer.pressSequentially("is it still quick?", { delay: 20 });
  await page.locator(".waiting").first().waitFor({ state: "detached" });
  const longestTask = await meter.stopTrace();
  assert.equal(await composer.inputValue(), "is it still quick?");
  return {
    taskMs: (await meter.read()).taskMs - taskMs,
    longestTask,
    slowKey: (await meter.keyAnswers()).slice(keys).sort((a, b) => b - a)[1] ?? 0,
  };
}

test(
  "a text of any awkward kind is shown whole, costs little more than plain words, and holds nothing up",
  options,
  async (t) => {
    const server = await startServer(t, { pages: pageFiles() });
    const chats = [
      chatOf("first", "Some `code`:\n\n```js\nlet a = 1;\n```"),
      ...Object.entries(texts).flatMap(([name, text]) => [
        chatOf(name, text),
        chatOf(`${name} plain`, plain(text.length)),
      ]),
    ];
    const file = path.join(temporaryFolder(t), "chats.json");
    writeFileSync(file, JSON.stringify({ format: "hearth-chats", version: 1, chats }));
    const { page } = await openPage(t, server.url);
    await page.locator("input[type=file]").setInputFiles(file);
    await page
      .locator(".chats .open")
      .nth(chats.length - 1)
      .waitFor();
    const meter = await WorkMeter.of(page);
    await open(page, meter, "first"); // so that the browser knows the page's code by now
    const shownIn = (selector: string) => page.locator(selector).evaluate((element) => element.textContent ?? "");
    for (const [name, text] of Object.entries(texts)) {
      const usual = await open(page, meter, `${name} plain`);
      const hostile = await open(page, meter, name);
      const { taskMs, longestTask, slowKey } = hostile;
      const ms = (value: number) => `${value.toFixed(0)} ms`;
      const figures = `${name}: ${ms(taskMs)}, plain words ${ms(usual.taskMs)}; a task ${ms(longestTask)}, a key ${ms(slowKey)}`;
      t.diagnostic(figures);
      // Ten thousand paragraphs are thirty times as many elements, and stay the dearest of all.
      assert.ok(taskMs <= 4 * usual.taskMs + 300, figures);
      assert.ok(longestTask <= 100, figures);
      assert.ok(slowKey <= 100 * busyness(), figures);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
      assert.equal(await shownIn(".bubble"), visible(text.slice(0, longestQuestion)), `the question of ${name}`);
      const answer = await shownIn(".message.answer .markdown");
      const whole = text.slice(0, longestAnswer);
      const isSeen = seenOf[name]?.(answer, whole) ?? letters(answer) === letters(whole);
      assert.ok(isSeen, `the answer of ${name} is not whole: ${answer.length} characters of ${whole.length}`);
      if (letters(whole) === "")
        assert.ok(answer.length > whole.length / 4, `${name} shows ${answer.length} characters`);
      if (name === "controls") assert.match(await shownIn(".bubble"), /⟨U\+202E⟩/);
    }
  },
);

test("a long answer is there where somebody looks, before all of it is on the page", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles() });
  const text = Array.from({ length: 25_000 }, (_, i) => `paragraph ${i}`).join("\n\n");
  const file = path.join(temporaryFolder(t), "chats.json");
  writeFileSync(file, JSON.stringify({ format: "hearth-chats", version: 1, chats: [chatOf("long", text)] }));
  const { page } = await openPage(t, server.url);
  await page.locator("input[type=file]").setInputFiles(file);
  await page.locator(".chats .open", { hasText: "long" }).click();
  await page.getByText("paragraph 24999", { exact: true }).waitFor();
  const seen = await page.evaluate(async () => {
    const answer = document.querySelector(".message.answer") as Element;
    const wasThere = answer.textContent?.includes("paragraph 0");
    answer.scrollIntoView();
    for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame);
    const first = answer.querySelector("p");
    const { top = -1 } = first?.getBoundingClientRect() ?? {};
    const isSeen = first?.textContent === "paragraph 0" && top >= 0 && top < innerHeight;
    return { wasThere, isSeen, waiting: document.querySelectorAll(".waiting").length > 0 };
  });
  assert.deepEqual(seen, { wasThere: false, isSeen: true, waiting: true });
  await page.locator(".waiting").first().waitFor({ state: "detached" });
  assert.equal(await page.locator(".message.answer .markdown p").count(), 25_000);
});
