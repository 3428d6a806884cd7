import assert from "node:assert/strict";
import { test } from "node:test";
import { Detokenizer } from "../../../src/chat/detokenizer.js";
import { TextMatcher } from "../../../src/chat/text-matcher.js";
import { testModel } from "../../helpers/chat-model.js";
import { processorMs } from "../../helpers/processor-time.js";

/** Feeds the bytes one at a time; each is its own token. */
function _stream(bytes: readonly number[]): string[] {
  const detokenizer = new Detokenizer(testModel(), { startsText: false });
  return [...bytes.map((byte) => detokenizer.push(Int32Array.of(byte))), detokenizer.flush()];
}

/** The text that comes out when `text` goes in one UTF-16 unit at a time. */
function unitByUnit(stops: readonly string[], text: string): { text: string; match: string | null } {
  const matcher = new TextMatcher(stops);
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const result = matcher.push(text.charAt(i));
    out += result.text;
    if (result.match !== null) return { text: out, match: result.match };
  }
  return { text: out + matcher.flush(), match: null };
}

test("text is held back only while it may become a stop string", () => {
  const matcher = new TextMatcher(["\nUser:", "END"]);
  assert.deepEqual(matcher.push("Hello\n"), { text: "Hello", match: null });
  assert.deepEqual(matcher.push("Us"), { text: "", match: null });
  assert.deepEqual(matcher.push("E"), { text: "\nUs", match: null });
  assert.deepEqual(matcher.push("NE"), { text: "EN", match: null });
  assert.deepEqual(matcher.push("ND and more"), { text: "", match: "END" });
});

test("the stream's own end gives out what was held back", () => {
  const matcher = new TextMatcher(["STOP"]);
  assert.equal(matcher.push("a STO").text, "a ");
  assert.equal(matcher.flush(), "STO");
  assert.equal(matcher.flush(), "");
});

test("a stop string that overlaps itself is found", () => {
  assert.deepEqual(unitByUnit(["aab"], "aaaab!"), { text: "aa", match: "aab" });
  assert.deepEqual(unitByUnit(["abab"], "abaabab"), { text: "aba", match: "abab" });
});

test("the first stop string to be complete counts, of several the longest", () => {
  assert.deepEqual(unitByUnit(["xabc", "ab"], "xabc"), { text: "x", match: "ab" });
  assert.deepEqual(unitByUnit(["b", "aab"], "aab"), { text: "", match: "aab" });
  assert.deepEqual(unitByUnit(["😀", "x"], "a😁😀"), { text: "a😁", match: "😀" });
});

test("empty stop strings and none at all never stop", () => {
  assert.deepEqual(unitByUnit([], "abc"), { text: "abc", match: null });
  assert.deepEqual(unitByUnit([""], "abc"), { text: "abc", match: null });
});

test("how a stream is cut does not matter", () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % n;
  };
  const word = (length: number) => Array.from({ length }, () => "ab".charAt(random(2))).join("");
  for (let round = 0; round < 2000; round++) {
    const stops = Array.from({ length: 1 + random(3) }, () => word(2 + random(5)));
    const text = word(random(30));
    const matcher = new TextMatcher(stops);
    let out = "";
    let match: string | null = null;
    for (let at = 0; at < text.length && match === null; ) {
      const piece = text.slice(at, at + 1 + random(6));
      at += piece.length;
      const result = matcher.push(piece);
      out += result.text;
      match = result.match;
    }
    if (match === null) out += matcher.flush();
    assert.deepEqual({ text: out, match }, unitByUnit(stops, text));
    // Against the definition: the end of the earliest occurrence to be complete.
    const ends = stops.map((each) =>
      text.includes(each) ? text.indexOf(each) + each.length : Number.POSITIVE_INFINITY,
    );
    assert.equal(match === null, Math.min(...ends) === Number.POSITIVE_INFINITY);
    if (match !== null) assert.equal(out.length + match.length, Math.min(...ends));
  }
});

test("a megabyte of almost stop strings takes linear time", () => {
  const matcher = new TextMatcher([`${"a".repeat(500)}b`, `${"a".repeat(400)}c`]);
  let length = 0;
  const took = processorMs(() => {
    for (let i = 0; i < 1024; i++) length += matcher.push("a".repeat(1024)).text.length;
  });
  assert.equal(length + matcher.flush().length, 1 << 20);
  assert.ok(took < 5_000, `${took} ms`);
});
