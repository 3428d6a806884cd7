/** Every way of multiplying matrices gives the same logits, bit for bit: so which one is fastest may be chosen at any time. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import test from "node:test";
import { greedySampler } from "../../src/engine/greedy.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { missing, shared } from "../helpers/shared.js";
import { engineModule, withEngine } from "./engine.js";

const skip = missing("golden/quant/quants.json");
const folder = "golden/quant";
const files = existsSync(shared(folder)) ? readdirSync(shared(folder)).filter((file) => file.endsWith(".gguf")) : [];
/** The tokens come as a prompt in one piece, as those of several answers do, and one by one. */
const chunkSizes = [17, 4, 1];
const tokens = [1, 211, 271, 144, 268, 32, 6, 373, 328, 499, 62, 142, 278, 161, 140, 162, 83];

for (const file of files) {
  test(`${file}: every way gives the same logits`, { skip }, async () => {
    await withEngine(`${folder}/${file}`, { contextTokens: 64 }, async (engine) => {
      const sequence = engine.openSequence(greedySampler);
      const logitsIn = async (size: number) => {
        engine.truncateSequence(sequence, 0);
        const parts: number[] = [];
        for (let at = 0; at < tokens.length; at += size) {
          const piece = Int32Array.from(tokens.slice(at, at + size));
          const { logits } = await stepAlone(engine, { sequence, tokens: piece, sample: false, logits: "all" });
          parts.push(...logits);
        }
        return Float32Array.from(parts);
      };
      const usual = await logitsIn(tokens.length);
      for (const way of ["ref", ...engineModule.matmulWays("", ""), ":streams:0", ":memory:1048576"]) {
        engine.useMatmuls(engine.matmuls().map((kind) => ({ ...kind, one: way, few: way, many: way })));
        for (const size of chunkSizes) assert.deepEqual(await logitsIn(size), usual, `${way}, ${size} at a time`);
      }
    });
  });
}

test("a way that there is not is refused, and changes nothing", { skip }, async () => {
  await withEngine(`${folder}/${files[0]}`, {}, async (engine) => {
    const before = engine.matmuls();
    const [kind] = before;
    assert.ok(kind);
    assert.throws(() => engine.useMatmuls([{ ...kind, one: "sse9" }]), { code: "ISA_UNKNOWN" });
    assert.throws(() => engine.useMatmuls([{ ...kind, few: ":sideways" }]), { code: "OPTION_OUT_OF_RANGE" });
    assert.throws(() => engine.useMatmuls([{ ...kind, type: "Q4_99" }]), { code: "OPTION_OUT_OF_RANGE" });
    assert.deepEqual(engine.matmuls(), before);
  });
});
