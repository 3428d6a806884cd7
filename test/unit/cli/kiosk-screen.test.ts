import assert from "node:assert/strict";
import { test } from "node:test";
import { type KioskView, layOut } from "../../../src/cli/kiosk-layout.js";
import { KioskScreen } from "../../../src/cli/kiosk-screen.js";
import { textWidth } from "../../../src/cli/text-width.js";
import { Screen } from "../../helpers/screen.js";

const view: KioskView = {
  time: "08:05 AM",
  date: "Tuesday, December 1",
  text: "The fire is warm tonight, and the fox is back.",
  isWriting: false,
  notice: "",
  isClock: false,
  drift: { x: 0, y: 0 },
};

function drawn(options: { hasColours?: boolean } = {}, columns = 60, rows = 20) {
  const seen = new Screen(columns, rows);
  const writes: string[] = [];
  const write = (text: string) => {
    writes.push(text);
    seen.write(text);
  };
  const out = { columns, rows, write };
  const screen = new KioskScreen(out, { hasColours: true, isLinuxConsole: false, ...options });
  screen.start();
  return { seen, writes, out, screen };
}

test("a kiosk's rows fit every terminal, and show all of the text where there is room", () => {
  for (let columns = 2; columns <= 130; columns += 3) {
    for (let rows = 1; rows <= 50; rows++) {
      for (const more of [
        {},
        { isClock: true, text: "" },
        { notice: "No connection to the server.", isWriting: true },
      ]) {
        const page = layOut({ ...view, drift: { x: 9, y: -9 }, ...more }, columns, rows);
        assert.equal(page.length, rows);
        const widths = page.map((row) => row.reduce((sum, { text }) => sum + textWidth(text), 0));
        assert.ok(Math.max(...widths) <= columns, `${columns}x${rows}: ${Math.max(...widths)}`);
      }
    }
  }
  const words = layOut(view, 60, 20)
    .flat()
    .map(({ text }) => text);
  assert.match(
    words.join(" ").replace(/\s+/g, " "),
    /08:05 AM Tuesday, December 1 .*The fire is warm tonight, and the fox is back\./,
  );
});

test("of a text that is too long the end is shown, and letters that are typed out move nothing above them", () => {
  const long = Array.from({ length: 40 }, (_, i) => `line ${i}`).join("\n");
  const { seen, screen } = drawn();
  screen.show({ ...view, text: long }, true);
  assert.ok(seen.text.includes("line 39") && !seen.text.includes("line 3\n"));
  assert.ok(seen.text.includes("08:05 AM"));
  const before = drawn();
  before.screen.show({ ...view, text: "The fire" }, true);
  const place = before.seen.lines.findIndex((line) => line.includes("The fire"));
  before.screen.show(view, true);
  assert.equal(
    before.seen.lines.findIndex((line) => line.includes("The fire")),
    place,
  );
});

test("only rows that changed are written, each frame at once, and none is erased before its text", () => {
  const { seen, screen, writes } = drawn();
  screen.show({ ...view, text: "The" }, false);
  writes.length = 0;
  screen.show({ ...view, text: "The fire" }, false);
  screen.show({ ...view, text: "The fire" }, false);
  assert.equal(writes.length, 1);
  assert.equal(writes[0]?.replaceAll("\x1b", "^").match(/\^\[\d+;1H/g)?.length, 1);
  assert.match((writes[0] ?? "").replaceAll("\x1b", "^"), /The fire.*\^\[K/);
  assert.ok(!writes[0]?.includes("\x1b[2J"));
  assert.equal(seen.hasCursor, false);
  screen.stop();
  assert.equal(seen.hasCursor, true);
  assert.deepEqual(seen.strange, []);
});

test("another size and another hour draw everything anew; a new minute mends what others wrote", () => {
  const { seen, screen, out, writes } = drawn();
  screen.show(view, false);
  seen.write("\x1b[5;1Ha kernel message");
  screen.show(view, false, true);
  assert.ok(!seen.text.includes("kernel"));
  screen.show(view, true);
  assert.match(writes.at(-1) ?? "", /37;40m/);
  Object.assign(out, { columns: 24, rows: 12 });
  seen.resize(24, 12);
  screen.show(view, true);
  assert.ok(seen.lines.every((line) => textWidth(line) <= 24));
  assert.ok(seen.text.replace(/\s+/g, " ").includes("The fire is warm tonight, and the fox is back."));
});

test("day is dark on light, night light on dark; without colours there is none", () => {
  const [day, night, plain] = [drawn(), drawn(), drawn({ hasColours: false })];
  day.screen.show(view, false);
  night.screen.show(view, true);
  plain.screen.show(view, true);
  assert.match(day.writes.join(""), /30;47m/);
  assert.match(night.writes.join(""), /37;40m/);
  assert.doesNotMatch(plain.writes.join(""), /[34]\d[;m]/);
});

test("escape sequences of a model are text on a kiosk", () => {
  const { seen, screen } = drawn();
  screen.show({ ...view, text: "a\x1b[2J\x1b[Hb\u202ec\x9b5md", notice: "\x1b[31m" }, true);
  assert.ok(seen.text.includes("a␛[2J␛[Hb⟨U+202E⟩c⟨U+009B⟩5md"));
  assert.deepEqual(seen.strange, []);
});

test("a clock has large figures where there is room", () => {
  const { seen, screen } = drawn();
  screen.show({ ...view, text: "", isClock: true }, true);
  assert.ok(seen.text.includes("██████") && seen.text.includes("AM") && seen.text.includes("Tuesday, December 1"));
  const troubled = drawn({}, 70, 12);
  troubled.screen.show({ ...view, text: "", isClock: true, notice: "No connection to the server." }, true);
  for (const words of ["██████", "Tuesday, December 1", "No connection to the server."]) {
    assert.ok(troubled.seen.text.includes(words), words);
  }
  const small = drawn({}, 30, 10);
  small.screen.show({ ...view, text: "", isClock: true }, true);
  assert.ok(small.seen.text.includes("08:05 AM"));
});
