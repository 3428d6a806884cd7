import assert from "node:assert/strict";
import { test } from "node:test";
import { preTokenizer } from "../../src/chat/pre-tokenizers.js";
import { SpecialTokens } from "../../src/chat/special-tokens.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { shown, testModel } from "./chat-model.js";

const special = [
  { text: "<s>", control: true },
  { text: "</s>", control: true },
  { text: "<|end|>", control: true },
  { text: "<|end|><|end|>", control: true },
  { text: "<tool>", control: false },
  { text: "  ", control: false },
];

const plain = { addSpecial: false, parseSpecial: false };
const parsed = { addSpecial: false, parseSpecial: true };

async function encode(text: string, options = plain, model: Parameters<typeof testModel>[0] = {}): Promise<string> {
  const made = testModel({ special, bos: "<s>", eos: "</s>", ...model });
  return shown(made, await new Tokenizer(made).encode(text, options));
}

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
      const started = performance.now();
      assert.equal([...preTokenizer(name)(text)].join(""), text);
      assert.ok(performance.now() - started < 5_000, `${name}: ${what}`);
    }
  }
});

test("a word that the regex engine cannot hold is an error, not a crash", async () => {
  const model = testModel({ preTokenizer: "llama-bpe" });
  const text = "𐐀".repeat(8 << 20);
  await assert.rejects(new Tokenizer(model).encode(text, plain), { code: "CONTEXT_OVERFLOW" });
});

test("control tokens are read only where asked for, user-defined ones always", async () => {
  assert.equal(await encode("a<s>b<tool>c"), "a<s>b«<tool>»c");
  assert.equal(await encode("a<s>b<tool>c", parsed), "a«<s>»b«<tool>»c");
});

test("of special tokens that start together the longest is read", async () => {
  assert.equal(await encode("<|end|><|end|><|end|>", parsed), "«<|end|><|end|>»«<|end|>»");
  assert.equal(await encode("<|end|><|end", parsed), "«<|end|>»<|end");
  assert.equal(await encode("<<s><|e<s>", parsed), "<«<s>»<|e«<s>»");
  assert.equal(await encode("a   b", parsed), "a«  » b");
});

test("BOS and EOS are added where the model wants them and the caller asks", async () => {
  const both = { addBos: true, addEos: true };
  assert.equal(await encode("a", { addSpecial: true, parseSpecial: false }, both), "«<s>»a«</s>»");
  assert.equal(await encode("a", plain, both), "a");
  assert.equal(await encode("a", { addSpecial: true, parseSpecial: false }), "a");
  assert.equal(await encode("", { addSpecial: true, parseSpecial: false }, both), "«<s>»«</s>»");
});

test("SPM text begins with a space, anew after each special token, and is encoded whole", async () => {
  const words: string[] = [];
  const spm = {
    kind: "spm",
    addSpacePrefix: true,
    onEncode: (each: readonly string[]) => void words.push(...each),
  } as const;
  assert.equal(await encode("Hi you<s>there<tool>", parsed, spm), " Hi you«<s>» there«<tool>»");
  assert.deepEqual(words, [" Hi you", " there"]);
  assert.equal(await encode(" x", plain, spm), "  x");
  assert.equal(await encode("", plain, spm), "");
  assert.equal(await encode("Hi<s>you", parsed, { kind: "spm", addSpacePrefix: false }), "Hi«<s>»you");
});

test("BPE text reaches the engine in words", async () => {
  const words: string[] = [];
  await encode("I've seen<tool>it", plain, { onEncode: (each) => void words.push(...each) });
  assert.deepEqual(words, ["I", "'ve", " seen", "it"]);
});

test("long text reaches the engine in batches, and its ids come back in order", async () => {
  const batches: number[] = [];
  const text = "word <tool>".repeat(20_000);
  const onEncode = (words: readonly string[]) => void batches.push(words.join("").length);
  const ids = await new Tokenizer(testModel({ special, onEncode })).encode(text, plain);
  assert.ok(batches.length > 3 && Math.max(...batches) < 20_000);
  assert.deepEqual([...ids], Array.from({ length: 20_000 }, () => [...Buffer.from("word "), 260]).flat());
});

test("Phi-3's special tokens take the white space behind them, BOS does not", async () => {
  const phi3 = {
    kind: "spm",
    architecture: "phi3",
    special: [...special, { text: "<|user|>", control: true }],
  } as const;
  assert.equal(
    await encode("<s> a<|user|>\n\n Hi\n<|end|>\n<|user|>", parsed, phi3),
    "«<s>» a«<|user|>»Hi\n«<|end|>»«<|user|>»",
  );
  assert.equal(await encode("<|end|>\na", parsed), "«<|end|>»\na");
});

test("a mark keeps special tokens apart and leaves no trace", async () => {
  const marked = { addSpecial: false, parseSpecial: true, mark: "\ufdd0" };
  assert.equal(await encode("<\ufdd0s>a<s>\ufdd0", marked as typeof parsed), "<s>a«<s>»");
});

test("a long row of beginnings of special tokens takes linear time", () => {
  const tokens = new SpecialTokens([{ id: 1, text: `${"<".repeat(64)}>`, control: true }]);
  const text = "<".repeat(1 << 18);
  const started = performance.now();
  assert.deepEqual([...tokens.split(`${text}>`)], [text.slice(64), 1]);
  assert.ok(performance.now() - started < 10_000);
});
