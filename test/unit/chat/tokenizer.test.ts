import assert from "node:assert/strict";
import { test } from "node:test";
import { Tokenizer } from "../../../src/chat/tokenizer.js";
import { testModel } from "../../helpers/chat-model.js";
import { encode, parsed, plain, special } from "./tokenizers.js";

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
