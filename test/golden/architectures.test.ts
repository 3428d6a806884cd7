/**
 * Logits and greedy tokens of every supported architecture against llama.cpp's in F32; and equal bit for bit however the work
 * is cut: by threads, batches, chunks and instruction sets.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { missing, shared } from "../helpers/shared.js";
import { greedy, greedyBatch, logits, normalizedError, readFloats, runnableIsas } from "./engine.js";

interface Golden {
  readonly tokens: number[];
  readonly greedy: number[];
}

const mostError = 1e-5;
const names = existsSync(shared("golden/arch"))
  ? readdirSync(shared("golden/arch")).flatMap((file) => /^(.*)\.gguf$/.exec(file)?.[1] ?? [])
  : [];

test("the golden architectures are there", { skip: missing("golden/arch") }, () => {
  assert.ok(names.length >= 21, `only ${names.join(", ")}`);
});

for (const name of names) {
  const file = `golden/arch/${name}.gguf`;
  const golden = JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")) as Golden;

  test(`${name}: logits equal the reference`, async (t) => {
    const ours = await logits(file, golden.tokens);
    const expected = readFloats(`golden/arch/${name}.logits.f32`);
    assert.equal(ours.length, expected.length);
    const error = normalizedError(ours, expected);
    t.diagnostic(`NMSE ${error.toExponential(2)}`);
    assert.ok(error <= mostError, `NMSE ${error}`);
  });

  test(`${name}: greedy tokens equal the reference, alone and in a batch`, async () => {
    assert.deepEqual(await greedy(file, golden.tokens, golden.greedy.length), golden.greedy);
    const prompts = [golden.tokens, golden.tokens.slice(7, 20), golden.tokens.slice(0, 40)];
    const alone = await Promise.all(prompts.map((prompt) => greedy(file, prompt, 24)));
    assert.deepEqual(await greedyBatch(file, prompts, 24), alone);
  });

  test(`${name}: the same logits with weights that are read from the file for each step`, async () => {
    const text = [...golden.tokens, ...golden.greedy];
    const expected = await logits(file, text);
    for (const keptShare of [0, 0.5, 1]) {
      for (const chunk of [text.length, 7]) {
        assert.deepEqual(await logits(file, text, { keptShare, chunk }), expected, `${keptShare}, chunks of ${chunk}`);
      }
    }
  });

  test(`${name}: the same logits whole and in chunks, at 1 to 3 threads, with every kernel set`, async (t) => {
    const text = [...golden.tokens, ...golden.greedy];
    const expected = await logits(file, text, { isa: "ref" });
    const ways = [
      [1, 1],
      [2, 7],
      [3, 64],
    ] as const;
    for (const isa of await runnableIsas(file, t)) {
      for (const [threads, chunk] of isa === "ref" ? ways.slice(1, 2) : ways) {
        const ours = await logits(file, text, { isa, threads, chunk });
        assert.deepEqual(ours, expected, `${isa}, ${threads} threads, chunks of ${chunk}`);
      }
    }
  });
}
