/**
 * Prefixes on models with sliding windows and recurrent layers: a request that shares one with an earlier request gets the
 * answer of a cold engine, and does not read all of it again.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { Engine } from "../../src/engine/contract.js";
import { greedy, outcome, schedulerOn } from "../helpers/scheduler.js";
import { missing, shared } from "../helpers/shared.js";
import { withEngine } from "./engine.js";

const answerTokens = 12;

/** Asks one prompt after the other. */
async function ask(engine: Engine, prompts: readonly number[][]) {
  const { scheduler } = schedulerOn(engine);
  const answers: { tokens: number[]; cached: number }[] = [];
  for (const prompt of prompts) {
    const stream = scheduler.submit({
      prompt: Int32Array.from(prompt),
      sampler: greedy,
      maxTokens: answerTokens,
      stopTokens: new Set(),
      cacheKey: null,
    });
    const { tokens, end, error } = await outcome(stream);
    assert.equal(error, null);
    answers.push({ tokens, cached: end?.usage.cachedTokens ?? 0 });
  }
  return answers;
}

for (const name of ["qwen35", "lfm2", "lfm2moe", "gemma2", "gemma3", "gemma4", "qwen3"]) {
  const file = `golden/arch/${name}.gguf`;
  for (const sequences of [1, 3]) {
    test(`${name}: prefixes are reused in ${sequences} slots`, { skip: missing(file) }, async () => {
      const { tokens } = JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")) as { tokens: number[] };
      const first = [...tokens, ...tokens.slice(5), ...tokens.slice(9, 40)];
      const cold = (prompt: number[]) =>
        withEngine(file, {}, async (engine) => (await ask(engine, [prompt]))[0]?.tokens);
      const answer = (await cold(first)) ?? [];

      const nextTurn = [...first, ...answer, ...tokens.slice(0, 9)];
      const editedTurn = [...first.slice(0, -4), ...tokens.slice(20, 30)]; // as where a template drops its last words
      const stranger = [...first.slice(0, 90), ...tokens.slice(30, 50)];
      const another = [...first.slice(0, 90), ...tokens.slice(40, 60)];
      const prompts = [first, nextTurn, editedTurn, stranger, another, first];
      const warm = await withEngine(file, { sequences }, (engine) => ask(engine, prompts));

      for (const [i, prompt] of prompts.entries()) assert.deepEqual(warm[i]?.tokens, await cold(prompt), `prompt ${i}`);
      const cached = warm.map((answered) => answered.cached);
      assert.equal(cached[0], 0);
      assert.equal(cached[1], first.length + answerTokens - 1, "a conversation goes on where it ended");
      assert.ok(Number(cached[2]) >= 96, `${cached}: shortly before a prompt's end is a place to go back to`);
      assert.equal(cached[4], 90, `${cached}: where prompts parted is one the next time`);
      assert.ok(Number(cached[5]) > 0, `${cached}`);
    });
  }
}
