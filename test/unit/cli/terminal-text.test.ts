import assert from "node:assert/strict";
import { test } from "node:test";
import { safeJson, safeLine, safeText } from "../../../src/cli/safe-text.js";
import { textWidth, wrapText } from "../../../src/cli/text-width.js";
import { WordTyper } from "../../../src/cli/word-typer.js";
import { processorMs } from "../../helpers/processor-time.js";
import { Screen } from "../../helpers/screen.js";

test("nothing that moves a cursor, changes a colour or turns the writing is left in a stranger's text", () => {
  const hostile = "a\x1b[2Jb\x1b]0;title\x07c\u202ed\u200fe\u009b31mf\x7fg\u2066h\u061ci\u{e0041}j\ud800k\r\nl\tm";
  const safe = safeText(hostile);
  assert.equal(safe, "a␛[2Jb␛]0;title␇c⟨U+202E⟩d⟨U+200F⟩e⟨U+009B⟩31mf␡g⟨U+2066⟩h⟨U+061C⟩i⟨U+E0041⟩j\ufffdk\nl\tm");
  assert.equal(safeLine("a\n\tb\x1b"), "a b␛");
  assert.equal(safeJson(["\x1b\u202e\u{e0041}é"]), '["\\u001b\\u202e\\udb40\\udc41é"]');
  for (let code = 0; code < 0x250; code++) {
    const kept = safeText(String.fromCodePoint(code));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    assert.ok(kept === "\t" || kept === "\n" || !/[\u0000-\u001f\u007f-\u009f]/.test(kept), `U+${code.toString(16)}`);
  }
});

test("scripts that need joiners keep them, and so do emoji", () => {
  for (const text of ["می‌خواهم", "क्‍ष", "👩‍🚒", "日本語", "é"]) assert.equal(safeText(text), text);
});

test("wide characters take two columns, marks none", () => {
  const widths = { abc: 3, 日本: 4, "e\u0301": 1, "👍": 2, 한글: 4, ａ: 2, "": 0 };
  for (const [text, width] of Object.entries(widths)) assert.equal(textWidth(text), width, text);
});

test("lines break between words, and within what is longer than a line", () => {
  assert.deepEqual(wrapText("The quick brown fox\n\n  in snow", 10), ["The quick", "brown fox", "", "  in snow"]);
  assert.deepEqual(wrapText("a supercalifragilistic day", 8), ["a", "supercal", "ifragili", "stic day"]);
  assert.deepEqual(wrapText("日本語の文章です", 7), ["日本語", "の文章", "です"]);
  assert.deepEqual(wrapText("fits", 4), ["fits"]);
  assert.deepEqual(wrapText("", 4), [""]);
});

test("no line of any text is longer than it may be, and no letter is lost", () => {
  const text = "Grüße an 日本語 und 👍👍👍 mit einemsehrlangenWortohneEnde und a b c. ".repeat(5);
  for (let columns = 2; columns < 60; columns++) {
    const lines = wrapText(text, columns);
    assert.ok(lines.every((line) => textWidth(line) <= columns));
    assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});

test("a text that is typed out breaks between words, whatever pieces it comes in", () => {
  const text =
    "Every evening the fox dreamed of one thing: to build a bridge.\n\nSupercalifragilistic 日本語のとても長い文章です。 ok";
  for (let columns = 8; columns < 70; columns++) {
    for (const size of [1, 3, 200]) {
      const screen = new Screen(columns, 60);
      const typer = new WordTyper();
      for (let i = 0; i < text.length; i += size) {
        screen.write(typer.type(text.slice(i, i + size), columns).replaceAll("\n", "\r\n"));
      }
      assert.deepEqual(screen.strange, []);
      assert.equal(screen.text.replace(/\s/g, ""), text.replace(/\s/g, ""), `${columns} columns, pieces of ${size}`);
      // A word stands whole in a line wherever it is shorter than one.
      for (const word of ["evening", "dreamed", "bridge."]) {
        assert.ok(
          screen.lines.some((line) => line.includes(word)),
          `${word} at ${columns} columns`,
        );
      }
    }
  }
});

test("a word of a megabyte is wrapped in no time", () => {
  const took = processorMs(() => assert.equal(wrapText("x".repeat(1_000_000), 80).length, 12_500));
  assert.ok(took < 2000, `${took} ms`);
});
