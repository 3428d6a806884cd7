import assert from "node:assert/strict";
import { test } from "node:test";
import { SpecialTokens } from "../../../src/chat/special-tokens.js";
import { processorMs } from "../../helpers/processor-time.js";
import { encode, type parsed } from "./tokenizers.js";

test("a mark keeps special tokens apart and leaves no trace", async () => {
  const marked = { addSpecial: false, parseSpecial: true, mark: "\ufdd0" };
  assert.equal(await encode("<\ufdd0s>a<s>\ufdd0", marked as typeof parsed), "<s>a«<s>»");
});

test("a long row of beginnings of special tokens takes linear time", () => {
  const tokens = new SpecialTokens([{ id: 1, text: `${"<".repeat(64)}>`, control: true }]);
  const text = "<".repeat(1 << 18);
  const took = processorMs(() => assert.deepEqual([...tokens.split(`${text}>`)], [text.slice(64), 1]));
  assert.ok(took < 10_000, `${took} ms`);
});
