import assert from "node:assert/strict";
import test from "node:test";
import { endOf, GrowingText } from "../../../src/web/common/growing-text.js";

test("a growing text is read on from a place, whole, or at its end", () => {
  const text = new GrowingText("Once ");
  const { count } = text;
  for (const piece of ["upon ", "", "a ", "time"]) text.append(piece);
  assert.equal(text.since(count), "upon a time");
  assert.equal(text.since(text.count), "");
  assert.equal(`${text}`, "Once upon a time");
  assert.equal(JSON.stringify({ text }), '{"text":"Once upon a time"}');
  assert.equal(endOf(text, 5), "a time");
  assert.equal(endOf(text, 1000), "Once upon a time");
  assert.equal(endOf("Once upon a time", 4), "time");
});
