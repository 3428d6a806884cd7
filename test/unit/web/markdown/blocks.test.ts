import assert from "node:assert/strict";
import test from "node:test";
import { BlockSplitter, splitBlocks } from "../../../../src/web/markdown/blocks.js";
import { decodeEntities } from "../../../../src/web/markdown/entities.js";
import { safeAddress } from "../../../../src/web/markdown/links.js";
import { visible } from "../../../../src/web/markdown/visible.js";

const page = `# Title

A paragraph
of two lines.

- one

  with more
- two

\`\`\`js
const a = 1;

const b = 2;
\`\`\`
$$
x^2

+ 1
$$
End`;

const shape = (text: string) => splitBlocks(text).map(({ kind, text: inner }) => [kind, inner.trim()]);

test("a text is split where something new begins, and fences keep what is within together", () => {
  assert.deepEqual(shape(page), [
    ["text", "# Title"],
    ["text", "A paragraph\nof two lines."],
    ["text", "- one\n\n  with more\n- two"],
    ["code", "const a = 1;\n\nconst b = 2;"],
    ["math", "x^2\n\n+ 1"],
    ["text", "End"],
  ]);
  assert.equal(splitBlocks(page)[3]?.language, "js");
});

test("in whatever pieces a text comes, its blocks are the same, and a done one never changes", () => {
  const whole = splitBlocks(page);
  for (const size of [1, 2, 3, 7, 40]) {
    const splitter = new BlockSplitter();
    const seen: unknown[] = [];
    for (let i = 0; i < page.length; i += size) {
      splitter.append(page.slice(i, i + size));
      for (const [at, block] of splitter.done.entries()) {
        seen[at] ??= block;
        assert.equal(block, seen[at]);
      }
    }
    const { last } = splitter;
    assert.deepEqual(last ? [...splitter.done, last] : splitter.done, whole, `pieces of ${size}`);
  }
});

test("no block is long, whatever a model writes, and nothing of the text is lost", () => {
  const texts = {
    word: "x".repeat(1_000_000),
    lines: "a line\n".repeat(10_000),
    code: `\`\`\`\n${"code line\n".repeat(10_000)}`,
    emoji: "\u{1f525}".repeat(20_000),
    list: "- item\n".repeat(5_000),
  };
  for (const [name, text] of Object.entries(texts)) {
    const blocks = splitBlocks(text);
    for (const block of blocks) assert.ok(block.text.length <= 8100, `${name}: ${block.text.length}`);
    const joined = blocks.map((block) => block.text).join("");
    assert.ok(joined.replaceAll("\n", "").length >= text.replace(/```|\n/g, "").length, name);
    assert.ok(!blocks.some((block) => /[\ud800-\udbff]$/.test(block.text)), name);
  }
});

test("a fence that is never closed, and one of more marks, hold their code", () => {
  assert.deepEqual(shape("````\n```\ninner\n```\n````\nafter"), [
    ["code", "```\ninner\n```"],
    ["text", "after"],
  ]);
  assert.deepEqual(shape("```py\nprint(1)\n\nprint(2)"), [["code", "print(1)\n\nprint(2)"]]);
});

test("invisible characters that could mislead are shown", () => {
  assert.equal(visible("a\u0007b\u202ec\u0000\u007f\u0085"), "a␇b⟨U+202E⟩c␀␡⟨U+0085⟩");
  assert.equal(visible("tab\tline\n\u05d0\u200f family 👨‍👩‍👧"), "tab\tline\n\u05d0\u200f family 👨‍👩‍👧");
});

test("links lead to the web and to mail, and nowhere else", () => {
  assert.equal(safeAddress("https://example.org/a?b"), "https://example.org/a?b");
  assert.equal(safeAddress("mailto:a@example.org"), "mailto:a@example.org");
  for (const bad of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/status", "vbscript:x", ""]) {
    assert.equal(safeAddress(bad), null, bad);
  }
});

test("named and numbered characters are decoded, and nothing else", () => {
  assert.equal(decodeEntities("&lt;b&gt; &amp; &#65;&#x1F525; &unknown; &#0;"), "<b> & A\u{1f525} &unknown; \ufffd");
});
