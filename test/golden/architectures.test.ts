/** Logits and greedy tokens of every supported architecture against llama.cpp's in F32. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { missing, shared } from "../helpers/shared.js";
import { greedy, logits, normalizedError, readFloats } from "./engine.js";

interface Golden {
  readonly tokens: number[];
  readonly greedy: number[];
}

const mostError = 1e-5;
const names = existsSync(shared("golden/arch"))
  ? readdirSync(shared("golden/arch")).flatMap((file) => /^(llama.*)\.gguf$/.exec(file)?.[1] ?? [])
  : [];

test("the golden architectures are there", { skip: missing("golden/arch") }, () => {
  assert.ok(names.length >= 6, `only ${names.join(", ")}`);
});

for (const name of names) {
  const file = `golden/arch/${name}.gguf`;
  const golden = JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")) as Golden;

  for (const chunk of [1, 7, 64]) {
    test(`${name}: logits equal the reference, read in chunks of ${chunk}`, async () => {
      const ours = await logits(file, golden.tokens, { chunk });
      const expected = readFloats(`golden/arch/${name}.logits.f32`);
      assert.equal(ours.length, expected.length);
      const error = normalizedError(ours, expected);
      assert.ok(error <= mostError, `NMSE ${error}`);
    });
  }

  test(`${name}: greedy tokens equal the reference`, async () => {
    assert.deepEqual(await greedy(file, golden.tokens, golden.greedy.length), golden.greedy);
  });
}
