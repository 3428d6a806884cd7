/**
 * Trained models on real text: greedy tokens equal llama.cpp's, and equal bit for bit however the work is cut: by threads,
 * batches, chunks and instruction sets.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { missing, shared } from "../helpers/shared.js";
import { greedy, greedyBatch, logits, runnableIsas } from "./engine.js";

interface Story {
  readonly prompt: string;
  readonly tokens: number[];
  readonly greedy: number[];
}

const skip = missing("models/greedy.json");
const stories: Record<string, Story[]> = existsSync(shared("models/greedy.json"))
  ? JSON.parse(readFileSync(shared("models/greedy.json"), "utf8"))
  : {};
/** On quantized files a near tie may fall the other way than llama.cpp's, so these two only. */
const exact = ["stories260K", "babyllama"];

for (const name of exact) {
  test(`${name}: tokens equal llama.cpp's`, { skip }, async () => {
    for (const story of stories[name] ?? []) {
      assert.deepEqual(await greedy(`models/${name}.gguf`, story.tokens, story.greedy.length), story.greedy);
    }
  });
}

for (const name of [...exact, "babyllama-Q8_0", "babyllama-Q4_0"]) {
  const file = `models/${name}.gguf`;

  test(`${name}: the same tokens alone and in a batch of 4`, { skip }, async () => {
    const prompts = (stories[name] ?? []).slice(0, 4).map((story) => story.tokens);
    assert.equal(prompts.length, 4);
    const alone = await Promise.all(prompts.map((prompt) => greedy(file, prompt, 64)));
    assert.deepEqual(await greedyBatch(file, prompts, 64), alone);
  });

  test(`${name}: the same logits at 1 and 2 threads, whole and in chunks of 1, 7 and 64`, { skip }, async () => {
    const story = stories[name]?.[1];
    assert.ok(story);
    const text = [...story.tokens, ...story.greedy];
    const expected = await logits(file, text);
    for (const threads of [1, 2, 3]) {
      for (const chunk of [1, 7, 64]) {
        assert.deepEqual(await logits(file, text, { threads, chunk }), expected, `${threads} threads, chunk ${chunk}`);
      }
    }
  });

  test(`${name}: the same logits with every kernel set`, { skip }, async (t) => {
    const story = stories[name]?.[2];
    assert.ok(story);
    const text = [...story.tokens, ...story.greedy];
    const expected = await logits(file, text, { isa: "ref" });
    for (const isa of await runnableIsas(file, t)) assert.deepEqual(await logits(file, text, { isa }), expected, isa);
  });
}
