import assert from "node:assert/strict";
import test from "node:test";
import { preTokenizerName } from "../../../../src/store/huggingface/pre-tokenizer.js";

test("pre-tokenizers: known by their regex, else refused", () => {
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex } });
  const bytes = { type: "ByteLevel", use_regex: false };
  const sequence = (...pretokenizers: object[]) => ({ type: "Sequence", pretokenizers }) as never;
  const qwen35 =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  assert.equal(preTokenizerName(sequence(split(qwen35), bytes)), "qwen35");
  assert.equal(preTokenizerName({ type: "ByteLevel", use_regex: true }), "gpt-2");
  assert.equal(
    preTokenizerName(sequence({ type: "Digits", individual_digits: true }, { type: "ByteLevel" })),
    "smollm",
  );
  assert.throws(() => preTokenizerName(sequence(split("\\w+"), bytes)), { code: "IMPORT_UNSUPPORTED" });
});
