/**
 * Prefixes on models with sliding windows and recurrent layers: a request that shares one with an earlier request gets the
 * answer of a cold engine, and does not read all of it again.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import type { Engine } from "../../src/engine/contract.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { temporaryFolder } from "../helpers/folder.js";
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

/** Logits of `tokens` behind what the sequence holds. */
async function continued(engine: Engine, sequence: number, tokens: readonly number[]): Promise<Float32Array> {
  const ids = Int32Array.from(tokens);
  return (await stepAlone(engine, { sequence, tokens: ids, sample: false, logits: "all" })).logits;
}

for (const name of ["llama", "qwen3", "gemma2", "gemma3", "gemma4", "qwen35", "lfm2", "lfm2moe"]) {
  const file = `golden/arch/${name}.gguf`;
  test(`${name}: a prefix from a file goes on as the one that was saved, bit for bit`, {
    skip: missing(file),
  }, async (t) => {
    const { tokens } = JSON.parse(readFileSync(shared(`golden/arch/${name}.json`), "utf8")) as { tokens: number[] };
    const prompt = [...tokens, ...tokens.slice(5), ...tokens.slice(9, 40)];
    const saved = path.join(temporaryFolder(t), "prefix");
    const written = await withEngine(file, {}, async (engine) => {
      const sequence = engine.openSequence(greedy);
      await engine.step({ chunks: [{ sequence, tokens: Int32Array.from(prompt), sample: true }] });
      await continued(engine, sequence, tokens.slice(0, 20)); // an answer, which is not saved
      return engine.saveSnapshot(sequence, prompt.length, saved, "key");
    });
    assert.deepEqual([...written.tokens], prompt);
    for (const kept of [prompt.length, prompt.length - 20, prompt.length - 60]) {
      const { length, expected } = await withEngine(file, {}, async (engine) => {
        const sequence = engine.openSequence(greedy);
        const wanted = written.resumable?.findLast((n) => n <= kept) ?? kept;
        await continued(engine, sequence, prompt.slice(0, wanted));
        return { length: wanted, expected: await continued(engine, sequence, tokens.slice(3, 50)) };
      });
      assert.ok(length >= kept - 90, `${length} of ${kept} tokens`);
      await withEngine(file, {}, async (engine) => {
        const sequence = await engine.restoreSnapshot(saved, "key", kept, greedy);
        assert.equal(engine.sequenceLength(sequence), length);
        assert.deepEqual(await continued(engine, sequence, tokens.slice(3, 50)), expected);
      });
    }
    await withEngine(file, {}, async (engine) => {
      await assert.rejects(engine.restoreSnapshot(saved, "other", 9, greedy), { code: "PREFIX_FILE_INVALID" });
    });
  });
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
