/** Logits of every supported weight type against the exact logits of the dequantized weights. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { missing, shared } from "../helpers/shared.js";
import { logits, normalizedError, readFloats } from "./engine.js";

interface Quants {
  readonly tokens: number[];
  readonly types: Record<string, { readonly llama_cpp_nmse: number }>;
}

/** llama.cpp's activations are int8 too, so ours may be a little worse by chance, but not by design. */
const mostRatio = 1.5;
const types = [
  ...["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL", "MXFP4_MOE"],
  ...["Q2_K", "Q3_K_S", "Q4_K_S", "Q5_K_S", "Q6_K", "IQ4_XS", "IQ3_S", "IQ3_XXS"],
  ...["IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ1_S", "IQ1_M", "TQ1_0", "TQ2_0"],
];

for (const type of types) {
  const file = `golden/quant/llama-${type}.gguf`;
  test(`${type}: the error is within ${mostRatio} times llama.cpp's`, { skip: missing(file) }, async () => {
    const quants = JSON.parse(readFileSync(shared("golden/quant/quants.json"), "utf8")) as Quants;
    const ours = await logits(file, quants.tokens);
    const error = normalizedError(ours, readFloats(`golden/quant/llama-${type}.logits.f32`));
    const theirs = quants.types[type]?.llama_cpp_nmse ?? 0;
    assert.ok(error <= mostRatio * theirs, `NMSE ${error}, llama.cpp's ${theirs}`);
  });
}
