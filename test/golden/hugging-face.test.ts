/** Hugging Face folders made of the golden files come back as they were: weights, logits, tokens. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { convertHuggingFace } from "../../src/store/huggingface/convert.js";
import { temporaryFolder } from "../helpers/folder.js";
import { type Gguf, readGguf } from "../helpers/gguf-reader.js";
import { type FolderOptions, writeFolder, writeTokenizer } from "../helpers/hugging-face.js";
import { missing, shared } from "../helpers/shared.js";
import { engineModule, logits, normalizedError, readFloats } from "./engine.js";

const mostError = 1e-5;
const cases: readonly (FolderOptions & { name: string })[] = [
  { name: "llama", shards: 2 },
  { name: "llama-bias" },
  { name: "llama-tied" },
  { name: "llama-linear", config: { rope_scaling: { type: "linear", factor: 2 } } },
  {
    name: "llama-yarn",
    config: { rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 1024 } },
  },
  { name: "qwen2", shards: 3 },
  { name: "qwen3" },
  { name: "gemma3" },
];

for (const { name, ...options } of cases) {
  const file = `golden/arch/${name}.gguf`;
  test(`${name}: the folder's weights and logits are the file's`, { skip: missing(file) }, async (t) => {
    const folder = path.join(temporaryFolder(t), "model");
    mkdirSync(folder);
    const original = readGguf(shared(file));
    writeFolder(folder, original, options);
    const out = path.join(folder, "out.gguf");
    await convertHuggingFace(engineModule, folder, out);
    compareTensors(readGguf(out), original);
    const { tokens } = JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")) as { tokens: number[] };
    try {
      const ours = await logits(path.relative(shared(""), out), tokens);
      const error = normalizedError(ours, readFloats(`golden/arch/${name}.logits.f32`));
      assert.ok(error <= mostError, `NMSE ${error}`);
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== "MODEL_ARCHITECTURE_UNSUPPORTED") throw error;
      t.diagnostic(error.message);
    }
  });
}

function compareTensors(ours: Gguf, original: Gguf): void {
  const names = (gguf: Gguf) => gguf.tensors.map(({ name }) => name).sort();
  assert.deepEqual(names(ours), names(original));
  for (const { name, shape, type, bytes } of ours.tensors) {
    const expected = original.tensors.find((tensor) => tensor.name === name);
    assert.deepEqual([shape, type], [expected?.shape, expected?.type], name);
    // Gemma's norms were brought to 1 + w and back, RoPE's factors computed anew: the last bit may differ.
    if (type === 0) assert.ok(closeTo(bytes, expected?.bytes ?? Buffer.alloc(0)), name);
    else assert.ok(bytes.equals(expected?.bytes ?? Buffer.alloc(0)), name);
  }
}

function closeTo(ours: Buffer, expected: Buffer): boolean {
  if (ours.length !== expected.length) return false;
  for (let i = 0; i < ours.length; i += 4) {
    if (Math.abs(ours.readFloatLE(i) - expected.readFloatLE(i)) > 1e-6 * (1 + Math.abs(expected.readFloatLE(i))))
      return false;
  }
  return true;
}

test("Llama 3.1's scaling becomes divisors of RoPE's frequencies", {
  skip: missing("golden/arch/llama.gguf"),
}, async (t) => {
  const folder = temporaryFolder(t);
  const [factor, context] = [32, 8192];
  const scaling = { factor, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: context };
  const config = { rope_theta: 500000, rope_scaling: { rope_type: "llama3", ...scaling } };
  writeFolder(folder, readGguf(shared("golden/arch/llama.gguf")), { config });
  await convertHuggingFace(engineModule, folder, path.join(folder, "out.gguf"));
  const { bytes } =
    readGguf(path.join(folder, "out.gguf")).tensors.find(({ name }) => name === "rope_freqs.weight") ?? {};
  assert.equal(bytes?.length, 32 * 4);
  // The scaling that transformers computes, by wavelengths.
  for (let i = 0; i < 32; i++) {
    const frequency = 500000 ** (-i / 32);
    const wavelength = (2 * Math.PI) / frequency;
    const smooth = (context / wavelength - 1) / 3;
    let scaled = ((1 - smooth) * frequency) / factor + smooth * frequency;
    if (wavelength < context / 4) scaled = frequency;
    if (wavelength > context) scaled = frequency / factor;
    assert.ok(Math.abs((bytes?.readFloatLE(4 * i) ?? 0) - frequency / scaled) < 1e-5, `factor ${i}`);
  }
});

test("quantized on the way", { skip: missing("golden/arch/llama.gguf") }, async (t) => {
  const folder = temporaryFolder(t);
  writeFolder(folder, readGguf(shared("golden/arch/llama.gguf")));
  const report = await convertHuggingFace(engineModule, folder, path.join(folder, "out.gguf"), { type: "q4_k_m" });
  assert.deepEqual(
    report.types.map(({ type }) => type),
    ["Q4_K", "Q6_K", "F32"],
  );
  const model = await engineModule.loadModel(path.join(folder, "out.gguf"), { vocabularyOnly: false });
  assert.equal(model.info.name, path.basename(folder));
  assert.equal(model.info.chatTemplate, "{{ messages }}");
});

const separator = "\n__ggml_vocab_test__\n";

for (const name of ["llama-spm", "llama-bpe", "qwen2", "gpt-2"]) {
  const file = `golden/vocab/ggml-vocab-${name}.gguf`;
  test(`${name}: tokenizer.json gives the reference's tokens`, { skip: missing(file) }, async (t) => {
    const folder = temporaryFolder(t);
    const arch = readGguf(shared("golden/arch/llama.gguf"));
    const vocabulary = readGguf(shared(file)).keys;
    const rows = (vocabulary.get("tokenizer.ggml.tokens") as string[]).length;
    writeFolder(folder, arch, { config: { vocab_size: rows } });
    writeTokenizer(folder, vocabulary);
    const out = path.join(folder, "out.gguf");
    await convertHuggingFace(engineModule, folder, out);
    const tokenizer = new Tokenizer(await engineModule.loadModel(out, { vocabularyOnly: true }));
    const texts = readFileSync(shared(`${file}.inp`), "utf8").split(separator);
    const ids = readFileSync(shared(`${file}.out`), "utf8").split("\n");
    for (const [i, text] of texts.entries()) {
      const expected = (ids[i] ?? "").trim().split(/\s+/).filter(Boolean).map(Number);
      assert.deepEqual(
        [...(await tokenizer.encode(text, { addSpecial: false, parseSpecial: false }))],
        expected,
        JSON.stringify(text),
      );
    }
  });
}
