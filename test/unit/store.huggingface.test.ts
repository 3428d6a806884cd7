/** Hugging Face folders that are damaged, hostile or of other kinds are refused with their reason. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { readConfig } from "../../src/store/huggingface/config.js";
import { Folder } from "../../src/store/huggingface/folder.js";
import { preTokenizerName } from "../../src/store/huggingface/pre-tokenizer.js";
import { readSafetensors } from "../../src/store/huggingface/safetensors.js";
import { mapTensors } from "../../src/store/huggingface/tensors.js";
import { temporaryFolder } from "../helpers/folder.js";

function safetensors(header: string | object, dataBytes = 16, headerBytes?: number): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerBytes ?? text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

const entry = (begin: number, end: number, shape: readonly number[] = [4], dtype = "F32") => ({
  a: { dtype, shape, data_offsets: [begin, end] },
});

test("safetensors: a sound header says where tensors lie", async (t) => {
  const folder = temporaryFolder(t);
  const bytes = safetensors({ __metadata__: { format: "pt" }, ...entry(0, 16) });
  writeFileSync(path.join(folder, "model.safetensors"), bytes);
  const { tensors } = await readSafetensors(new Folder(folder));
  assert.deepEqual(tensors.get("a"), { file: 0, offset: bytes.length - 16, dtype: "F32", shape: [4] });
});

const damaged: readonly [string, Buffer][] = [
  ["empty", Buffer.alloc(0)],
  ["a header longer than the file", safetensors(entry(0, 16), 16, 1000)],
  ["a header of 2^63 bytes", safetensors(entry(0, 16), 16, Number.MAX_SAFE_INTEGER)],
  ["offsets beyond the file", safetensors(entry(8, 24))],
  ["offsets that end before they begin", safetensors(entry(16, 0))],
  ["offsets of another size than the shape", safetensors(entry(0, 12))],
  ["negative offsets", safetensors(entry(-16, 0))],
  ["a product beyond 2^64", safetensors(entry(0, 16, [2 ** 40, 2 ** 40, 2 ** 40]))],
  ["a negative dimension", safetensors(entry(0, 16, [-2, -2]))],
  ["a fraction of a dimension", safetensors(entry(0, 16, [0.5, 8]))],
  ["an unknown type", safetensors(entry(0, 16, [4], "F5"))],
  ["an entry that is none", safetensors({ a: 5 })],
];

for (const [what, bytes] of damaged) {
  test(`safetensors: ${what} is refused`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, "model.safetensors"), bytes);
    await assert.rejects(readSafetensors(new Folder(folder)), { code: "IMPORT_BAD_TENSOR" });
  });
}

test("safetensors: an index must name files of its folder, and tensors that they hold", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, "one.safetensors"), safetensors(entry(0, 16)));
  const withIndex = (weightMap: object) => {
    writeFileSync(path.join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
    return readSafetensors(new Folder(folder));
  };
  assert.equal((await withIndex({ a: "one.safetensors" })).tensors.size, 1);
  for (const file of ["../one.safetensors", "/etc/passwd", "a/b.safetensors", "one.bin"]) {
    await assert.rejects(withIndex({ a: file }), { code: "IMPORT_BAD_TENSOR" });
  }
  await assert.rejects(withIndex({ b: "one.safetensors" }), { code: "IMPORT_BAD_TENSOR" });
  await assert.rejects(withIndex({ a: "two.safetensors" }), { code: "IMPORT_UNSUPPORTED" });
});

const config = {
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  num_hidden_layers: 1,
  intermediate_size: 128,
  num_attention_heads: 4,
  vocab_size: 100,
};

test("config.json: other architectures, missing sizes and unknown scalings are refused", async (t) => {
  const folder = temporaryFolder(t);
  const read = (changes: object) => {
    writeFileSync(path.join(folder, "config.json"), JSON.stringify({ ...config, ...changes }));
    return readConfig(new Folder(folder));
  };
  assert.equal((await read({})).headDim, 16);
  for (const changes of [
    { architectures: ["MambaForCausalLM"] },
    { architectures: [] },
    { hidden_size: undefined },
    { hidden_size: -64 },
    { hidden_size: 2 ** 40 },
    { num_attention_heads: 7 },
    { rope_scaling: { rope_type: "dynamic", factor: 2 } },
  ]) {
    await assert.rejects(read(changes), { code: "IMPORT_UNSUPPORTED" }, JSON.stringify(changes));
  }
  writeFileSync(path.join(folder, "config.json"), "{");
  await assert.rejects(readConfig(new Folder(folder)), { code: "IMPORT_UNSUPPORTED" });
});

test("tensors: unknown names and missing tensors are refused; the language part of a model that sees is taken", async (t) => {
  const folder = temporaryFolder(t);
  const gemma = { ...config, architectures: undefined };
  writeFileSync(
    path.join(folder, "config.json"),
    JSON.stringify({ architectures: ["Gemma3ForConditionalGeneration"], text_config: gemma }),
  );
  const model = await readConfig(new Folder(folder));
  const source = { file: 0, offset: 0, dtype: "BF16", shape: [4, 4] };
  const parts = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
  const rest = ["pre_feedforward_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
  const names = ["embed_tokens", "norm", ...[...parts, ...rest].map((part) => `layers.0.${part}`)];
  const map = (prefix: string, ...more: string[]) =>
    mapTensors(model, {
      files: [],
      tensors: new Map([...names.map((name) => `${prefix}${name}.weight`), ...more].map((name) => [name, source])),
    });
  const mapped = map("language_model.model.", "vision_tower.x.weight", "language_model.lm_head.weight");
  assert.deepEqual(
    mapped.map(({ name }) => name).sort(),
    map("model.language_model.")
      .map(({ name }) => name)
      .sort(),
  );
  assert.equal(mapped.length, names.length);
  assert.equal(mapped.find(({ name }) => name === "output_norm.weight")?.add, 1);
  assert.throws(() => map("model.", "model.layers.0.mystery.weight"), { code: "IMPORT_UNSUPPORTED" });
  assert.throws(() => map("model.", "model.layers.1.mlp.up_proj.weight"), { code: "IMPORT_UNSUPPORTED" });
  names.pop();
  names.pop();
  assert.throws(() => map("model."), { code: "IMPORT_BAD_TENSOR" });
});

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
