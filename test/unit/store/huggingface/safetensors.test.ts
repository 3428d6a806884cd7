import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { Folder } from "../../../../src/store/huggingface/folder.js";
import { readSafetensors } from "../../../../src/store/huggingface/safetensors.js";
import { temporaryFolder } from "../../../helpers/folder.js";

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
