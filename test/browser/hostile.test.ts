/** Whatever a model or a file says: it is shown as text, runs nothing, loads nothing and freezes nothing. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test, { after } from "node:test";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { startServer } from "../helpers/server.js";
import { answered, busyness, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";

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

test("texts of every awkward kind are shown at once, and the page stays usable", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles() });
  const figures = { inputTokens: 1, cachedTokens: 0, outputTokens: 2, firstMs: 3, tokensPerSecond: 4 };
  const chats = Object.entries(texts).map(([name, text]) => {
    const question = { id: `q${name}`, parent: null, at: 1, role: "user", text: text.slice(0, 400_000) };
    const parts = [{ kind: "text", text: text.slice(0, 500_000) }];
    const answer = {
      id: `a${name}`,
      parent: question.id,
      at: 2,
      role: "assistant",
      status: "completed",
      parts,
      figures,
    };
    return { title: name, content: { version: 1, settings: {}, nodes: [question, answer], leaf: answer.id } };
  });
  const file = path.join(temporaryFolder(t), "chats.json");
  writeFileSync(file, JSON.stringify({ format: "hearth-chats", version: 1, chats }));
  const { page } = await openPage(t, server.url);
  await page.locator("input[type=file]").setInputFiles(file);
  await page.locator(".chats .open", { hasText: "formula" }).waitFor();
  for (const [name, text] of Object.entries(texts)) {
    const startedAt = performance.now();
    await page
      .locator(".chats .open", { hasText: new RegExp(`^${name}\\d|^${name}$`) })
      .first()
      .click();
    await page.getByRole("heading", { name, exact: true }).waitFor();
    await page.locator(".message.answer .markdown").waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
    const ms = performance.now() - startedAt;
    t.diagnostic(`${name}: ${Math.round(ms)} ms`);
    assert.ok(ms < 1500 * busyness(), `${name} took ${Math.round(ms)} ms`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
    if (name === "controls") assert.match((await page.locator(".bubble").textContent()) ?? "", /⟨U\+202E⟩/);
    assert.ok(text.length > 0);
  }
});
