/** `hearth debug tokenize` against llama.cpp's test texts, line by line. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { hearth } from "../helpers/command.js";
import { missing, shared } from "../helpers/shared.js";

const separator = "\n__ggml_vocab_test__\n";

for (const name of [
  "llama-spm",
  "phi-3",
  "llama-bpe",
  "qwen2",
  "qwen35",
  "gpt-2",
  "starcoder",
  "deepseek-llm",
  "gemma-4",
]) {
  const file = `golden/vocab/ggml-vocab-${name}.gguf`;
  test(`${name}: every text becomes the reference's tokens`, { skip: missing(file) }, async (t) => {
    const texts = readFileSync(shared(`${file}.inp`), "utf8").split(separator);
    const ids = readFileSync(shared(`${file}.out`), "utf8").split("\n");
    const expected = texts.map((_, i) => (ids[i] ?? "").trim().split(/\s+/).filter(Boolean).map(Number));
    const { status, stdout, stderr } = await hearth(t, ["debug", "tokenize", shared(file)], {
      stdin: JSON.stringify(texts),
    });
    assert.equal(status, 0, stderr);
    const ours = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as number[]);
    assert.equal(ours.length, texts.length);
    texts.forEach((text, i) => {
      assert.deepEqual(ours[i], expected[i], JSON.stringify(text));
    });
  });
}
