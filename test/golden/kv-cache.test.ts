/**
 * The KV cache's types and long contexts: q8_0 stays near the reference on every architecture, and with either type a context
 * of many ranges gives the same bits however the work is cut.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { kvTypes } from "../../src/engine/contract.js";
import { missing, shared } from "../helpers/shared.js";
import { engineModule, logits, normalizedError, readFloats, runnableIsas } from "./engine.js";

/** The largest error of q8_0's logits against those of llama.cpp in F32. */
const mostError = 2e-3;
const names = existsSync(shared("golden/arch"))
  ? readdirSync(shared("golden/arch")).flatMap((file) => /^(.*)\.gguf$/.exec(file)?.[1] ?? [])
  : [];

function goldenTokens(name: string): number[] {
  return JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")).tokens;
}

for (const name of names) {
  const file = `golden/arch/${name}.gguf`;

  test(`${name}: logits with a KV cache of q8_0 are near the reference, and the same from every kernel set`, async (t) => {
    const tokens = goldenTokens(name);
    const ours = await logits(file, tokens, { kvType: "q8_0", isa: "ref" });
    const error = normalizedError(ours, readFloats(`golden/arch/${name}.logits.f32`));
    t.diagnostic(`NMSE ${error.toExponential(2)}`);
    assert.ok(error <= mostError, `NMSE ${error}`);
    assert.notDeepEqual(ours, await logits(file, tokens), "it is another cache");
    for (const isa of await runnableIsas(file, t)) {
      assert.deepEqual(await logits(file, tokens, { kvType: "q8_0", isa, chunk: 9 }), ours, isa);
    }
  });
}

/** One without windows, one with, and one with recurrent layers. */
for (const name of ["llama", "gemma3", "qwen35"]) {
  const file = `golden/arch/${name}.gguf`;
  for (const kvType of kvTypes) {
    test(`${name}, ${kvType}: a long context in large pieces and token by token, at 1 to 4 threads`, {
      skip: missing(file),
    }, async (t) => {
      const some = goldenTokens(name);
      const text = Array.from({ length: 700 }, (_, i) => some[(i * 7 + (i >> 6)) % some.length] ?? 0);
      const options = { kvType, contextTokens: 1024 };
      const expected = await logits(file, text, { ...options, chunk: 500 });
      const ways = [
        { threads: 1, chunk: 300 },
        { threads: 2, chunk: 1 },
        { threads: 4, chunk: 5 },
      ];
      for (const isa of await runnableIsas(file, t)) {
        for (const way of isa === "ref" ? [] : ways) {
          const ours = await logits(file, text, { ...options, ...way, isa });
          assert.deepEqual(ours, expected, `${isa}, ${way.threads} threads, chunks of ${way.chunk}`);
        }
      }
    });
  }
}

test("a model's info says what each type takes", { skip: missing("golden/arch/llama.gguf") }, async () => {
  const { info } = await engineModule.loadModel(shared("golden/arch/llama.gguf"), { vocabularyOnly: false });
  const { f16, q8_0 } = info.kvBytes;
  assert.equal(f16.perToken, info.layers * 2 * 2 * 64 * 2);
  assert.equal(q8_0.perToken, (f16.perToken * 36) / 64);
});
