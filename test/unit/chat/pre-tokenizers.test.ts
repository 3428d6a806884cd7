import assert from "node:assert/strict";
import { test } from "node:test";
import { preTokenizer } from "../../../src/chat/pre-tokenizers.js";
import { Tokenizer } from "../../../src/chat/tokenizer.js";
import { testModel } from "../../helpers/chat-model.js";
import { processorMs } from "../../helpers/processor-time.js";
import { plain } from "./tokenizers.js";

test("pre-tokenizers split as their families do", () => {
  const cases: [name: string, text: string, words: string[]][] = [
    ["gpt-2", "I've 12345 cats!!  ok\n\n x", ["I", "'ve", " 12345", " cats", "!!", " ", " ok", "\n\n", " x"]],
    ["gpt-2", "WE'VE", ["WE", "'", "VE"]],
    ["llama-bpe", "WE'VE 12345", ["WE", "'VE", " ", "123", "45"]],
    ["llama-bpe", "a  \n\n b", ["a", "  \n\n", " b"]],
    ["llama-bpe", "x=(y);\r\nz", ["x", "=(", "y", ");\r\n", "z"]],
    ["qwen2", "123\tabc", ["1", "2", "3", "\tabc"]],
    ["qwen2", "e\u0301x", ["e", "\u0301x"]],
    ["qwen35", "e\u0301x", ["e\u0301x"]],
    ["starcoder", "ab12", ["ab", "1", "2"]],
    ["tekken", "don't camelCase 12/\n", ["don", "'t", " camel", "Case", " ", "1", "2", "/\n"]],
    ["tekken", "éÉa", ["é", "Éa"]],
    ["gpt-4o", "I've 12345 camelCase", ["I've", " ", "123", "45", " camel", "Case"]],
    ["deepseek-llm", "It's 123\nΩ 日本", ["It", "'", "s", " ", "123", "\n", "Ω", " ", "日本"]],
    ["deepseek-coder", "a1 b!", ["a", "1", " b", "!"]],
    ["deepseek-v3", "(ab 1234", ["(ab", " ", "123", "4"]],
    ["viking", "no 12, x", ["no", " ", "1", "2", ",", " x"]],
    ["default", "a+b 1234", ["a", "+", "b", " ", "123", "4"]],
    ["", "a+b", ["a", "+", "b"]],
  ];
  for (const [name, text, words] of cases) assert.deepEqual([...preTokenizer(name)(text)], words, `${name}: ${text}`);
});

test("white space is Unicode's, not JavaScript's", () => {
  // U+0085 is white space, U+FEFF is not.
  assert.deepEqual([...preTokenizer("gpt-2")("a\u0085\u0085b")], ["a", "\u0085", "\u0085", "b"]);
  assert.deepEqual([...preTokenizer("gpt-2")("!\ufeff!")], ["!\ufeff!"]);
  assert.deepEqual([...preTokenizer("llama-bpe")("!\u0085!")], ["!", "\u0085", "!"]);
});

test("an unknown pre-tokenizer is an error that names it", () => {
  const model = testModel({ preTokenizer: "klingon" });
  assert.throws(() => new Tokenizer(model), { code: "TOKENIZER_UNSUPPORTED", message: /"klingon".*llama-bpe/ });
  assert.ok(new Tokenizer(model, { unknownPreTokenizer: "default" }));
  assert.deepEqual([...preTokenizer("klingon", "default")("a+b")], ["a", "+", "b"]);
  assert.throws(() => new Tokenizer(testModel({ kind: "none" })), { code: "TOKENIZER_UNSUPPORTED" });
});

const unfriendly: readonly [name: string, unit: string][] = [
  ["spaces", " "],
  ["newlines", "\n"],
  ["spaces and newlines", " \n"],
  ["a letter", "a"],
  ["a digit", "1"],
  ["apostrophes", "'"],
  ["emojis", "😀"],
  ["flags that are joined", "🏴‍☠️"],
  ["words", " x"],
  ["lone surrogates", "\ud800"],
];

test("a megabyte of hostile text is split in time, and nothing is lost", () => {
  for (const name of ["gpt-2", "llama-bpe", "tekken", "gpt-4o", "deepseek-llm", "deepseek-v3", "default"]) {
    for (const [what, unit] of unfriendly) {
      const text = `${unit.repeat((1 << 20) / unit.length)}x`;
      const took = processorMs(() => assert.equal([...preTokenizer(name)(text)].join(""), text));
      assert.ok(took < 20_000, `${name}: ${what} take ${took} ms`);
    }
  }
});

test("a word that the regex engine cannot hold is an error, not a crash", async () => {
  const model = testModel({ preTokenizer: "llama-bpe" });
  const text = "𐐀".repeat(8 << 20);
  await assert.rejects(new Tokenizer(model).encode(text, plain), { code: "CONTEXT_OVERFLOW" });
});
