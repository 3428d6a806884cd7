import assert from "node:assert/strict";
import { test } from "node:test";
import { Detokenizer } from "../../../src/chat/detokenizer.js";
import { testModel } from "../../helpers/chat-model.js";

/** Feeds the bytes one at a time; each is its own token. */
function stream(bytes: readonly number[]): string[] {
  const detokenizer = new Detokenizer(testModel(), { startsText: false });
  return [...bytes.map((byte) => detokenizer.push(Int32Array.of(byte))), detokenizer.flush()];
}

test("a character appears when its last byte has come", () => {
  assert.deepEqual(stream([...Buffer.from("aé😀b")]), ["a", "", "é", "", "", "", "😀", "b", ""]);
});

test("bytes that are no UTF-8 become replacement characters, and nothing after them is lost", () => {
  assert.equal(stream([0xff, 0x41]).join(""), "\ufffdA");
  assert.equal(stream([0xe2, 0x96, 0x41]).join(""), "\ufffdA");
  assert.equal(stream([0xc0, 0xaf, 0x41]).join(""), "\ufffd\ufffdA");
  assert.equal(stream([0xed, 0xa0, 0x80, 0x41]).join(""), "\ufffd\ufffd\ufffdA");
});

test("an answer that ends within a character ends with a replacement character", () => {
  assert.deepEqual(stream([0x41, 0xf0, 0x9f]), ["A", "", "", "\ufffd"]);
});

test("a byte order mark is text", () => {
  assert.equal(stream([0xef, 0xbb, 0xbf, 0x41]).join(""), "\ufeffA");
});

test("random bytes decode in any pieces as they decode at once", () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  const interesting = [0x41, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x96, 0x81, 0xf0, 0x9f, 0x98, 0x80, 0xff];
  for (let round = 0; round < 500; round++) {
    const bytes = Array.from({ length: 30 }, () => interesting[random() % interesting.length] ?? 0);
    assert.equal(stream(bytes).join(""), new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)));
  }
});

test("the space that SentencePiece begins a text with is not shown at the start of an answer, and only there", () => {
  const answer = (options: Parameters<typeof testModel>[0], startsText: boolean) => {
    const detokenizer = new Detokenizer(testModel(options), { startsText });
    return [" ", " a", " b"].map((text) => detokenizer.push(Int32Array.from(Buffer.from(text)))).join("");
  };
  assert.equal(answer({ kind: "spm", addSpacePrefix: true }, true), " a b");
  assert.equal(answer({ kind: "spm", addSpacePrefix: true }, false), "  a b");
  assert.equal(answer({ kind: "spm", addSpacePrefix: false }, true), "  a b");
  assert.equal(answer({ kind: "bpe" }, true), "  a b");
});

test("control tokens before the first text do not use up the leading space", () => {
  const model = testModel({ kind: "spm", addSpacePrefix: true, special: [{ text: "<s>", control: true }] });
  const detokenizer = new Detokenizer(model, { startsText: true });
  assert.equal(detokenizer.push(Int32Array.of(256)), "");
  assert.equal(detokenizer.push(Int32Array.from(Buffer.from(" a"))), "a");
});
