import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../../../src/base/errors.js";
import { candidates, pick, quantizationOf } from "../../../../src/store/pull/pick.js";

const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;
const files = (...list: readonly (readonly [path: string, gigabytes: number])[]) =>
  candidates(list.map(([path, gigabytes]) => ({ path, bytes: gigabytes * 1e9, sha256: null })));
const pickPath = (...args: Parameters<typeof pick>) => pick(...args).path;

test("the quantization is read from the names that publishers use", () => {
  const named = {
    "Qwen3-0.6B-Q4_K_M.gguf": "Q4_K_M",
    "qwen2.5-0.5b-instruct-q5_k_m.gguf": "Q5_K_M",
    "Llama-3.2-1B-Instruct-f16.gguf": "F16",
    "model.Q8_0.gguf": "Q8_0",
    "gemma-3-1b-it-IQ4_XS.gguf": "IQ4_XS",
    "SmolLM2-135M-Instruct-Q4_0.gguf": "Q4_0",
    "Qwen3-0.6B-UD-Q4_K_XL.gguf": "UD-Q4_K_XL",
    "BF16/Qwen3-0.6B-BF16.gguf": "BF16",
    "gpt-oss-20b-MXFP4_MOE.gguf": "MXFP4",
    "phi-IQ2_XXS.gguf": "IQ2_XXS",
    "tiny-TQ1_0.gguf": "TQ1_0",
    "ggml-model-Q2_K.gguf": "Q2_K",
    "model.gguf": null,
    "Qwen3-Q4mania.gguf": null,
  };
  for (const [path, quantization] of Object.entries(named)) assert.equal(quantizationOf(path), quantization, path);
});

test("the usual quantization is picked, or the best usual one that fits", () => {
  const found = files(
    ["m-F16.gguf", 16],
    ["m-Q8_0.gguf", 8],
    ["m-Q4_K_M.gguf", 5],
    ["m-Q4_0.gguf", 4.6],
    ["m-Q2_K.gguf", 3],
  );
  assert.equal(pickPath(found, null, 32e9, "r"), "m-Q4_K_M.gguf");
  assert.equal(pickPath(found, null, 4.8e9, "r"), "m-Q4_0.gguf");
  assert.equal(pickPath(found, null, 3e9, "r"), "m-Q2_K.gguf");
  assert.throws(() => pick(found, null, 2e9, "r"), refused("MODEL_DOES_NOT_FIT"));
  assert.throws(() => pick(found, null, 2e9, "r"), /m-Q2_K\.gguf, has 3\.0 GB/);
});

test("what the user names is taken, fitting or not, in any case of letters", () => {
  const found = files(["m-F16.gguf", 16], ["sub/m-Q8_0.gguf", 8], ["m-UD-Q4_K_XL.gguf", 5]);
  for (const select of ["F16", "f16", "fp16", "m-F16.gguf", "M-f16.GGUF"]) {
    assert.equal(pickPath(found, select, 1e9, "r"), "m-F16.gguf", select);
  }
  assert.equal(pickPath(found, "m-Q8_0.gguf", 1e9, "r"), "sub/m-Q8_0.gguf");
  assert.equal(pickPath(found, "Q4_K_XL", 1e9, "r"), "m-UD-Q4_K_XL.gguf");
  assert.throws(() => pick(found, "Q4_K_M", 1e9, "r"), /r has no "Q4_K_M"; it has F16, Q8_0, UD-Q4_K_XL\./);
});

test("files beside models are none, and a repository without models says so", () => {
  const found = files(["mmproj-F16.gguf", 1], ["imatrix.gguf", 0.1], ["README.md", 0.1], ["m-Q4_K_M.gguf", 5]);
  assert.deepEqual(
    found.map(({ path }) => path),
    ["m-Q4_K_M.gguf"],
  );
  assert.throws(() => pick(files(["README.md", 1]), null, 1e9, "r"), refused("PULL_NOT_FOUND"));
});

test("the parts of a split model are one model, and a missing part makes it none", () => {
  const part = (n: number) => [`Q8_0/m-Q8_0-0000${n}-of-00003.gguf`, 4] as const;
  const [model, ...others] = files(part(2), part(1), part(3));
  assert.equal(others.length, 0);
  assert.equal(model?.path, "Q8_0/m-Q8_0.gguf");
  assert.equal(model?.quantization, "Q8_0");
  assert.equal(model?.bytes, 12e9);
  assert.deepEqual(
    model?.files.map(({ path }) => path),
    [1, 2, 3].map((n) => part(n)[0]),
  );
  assert.deepEqual(files(part(1), part(3)), []);
});

test("a repository with one file of an unusual type gives that", () => {
  assert.equal(pickPath(files(["m-IQ1_S.gguf", 2]), null, 3e9, "r"), "m-IQ1_S.gguf");
  assert.equal(pickPath(files(["model.gguf", 2]), null, 3e9, "r"), "model.gguf");
});
