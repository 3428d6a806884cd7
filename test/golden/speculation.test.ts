/** Drafted tokens change nothing but the number of steps: the scheduler on a trained model, with and without. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { greedy, outcome, schedulerOn } from "../helpers/scheduler.js";
import { missing, shared } from "../helpers/shared.js";
import { withEngine } from "./engine.js";

const file = "models/stories260K.gguf";

/** Four answers side by side to prompts that repeat themselves, and the tokens that were drafted right. */
function answers(speculation: boolean, temperature: number) {
  const stories: Record<string, { tokens: number[]; greedy: number[] }[]> = JSON.parse(
    readFileSync(shared("models/greedy.json"), "utf8"),
  );
  const prompts = (stories.stories260K ?? [])
    .slice(0, 4)
    .map(({ tokens, greedy }) => [...tokens, ...greedy.slice(0, 32), ...tokens]);
  assert.equal(prompts.length, 4);
  return withEngine(file, { sequences: 4 }, async (engine) => {
    const { scheduler, metrics } = schedulerOn(engine, { speculation });
    const streams = prompts.map((prompt, seed) =>
      scheduler.submit({
        prompt: Int32Array.from(prompt),
        sampler: { ...greedy, temperature, seed },
        maxTokens: 60,
        stopTokens: new Set(),
        cacheKey: null,
      }),
    );
    const tokens = (await Promise.all(streams.map((stream) => outcome(stream)))).map((answer) => answer.tokens);
    const right = /hearth_draft_tokens_accepted_total (\d+)/.exec(await metrics.render())?.[1];
    return { tokens, right: Number(right) };
  });
}

for (const temperature of [0, 0.7]) {
  test(`temperature ${temperature}: the same answers with drafts`, {
    skip: missing("models/greedy.json"),
  }, async (t) => {
    const plain = await answers(false, temperature);
    const drafting = await answers(true, temperature);
    t.diagnostic(`${drafting.right} of ${drafting.tokens.flat().length} tokens were drafted`);
    assert.deepEqual(drafting.tokens, plain.tokens);
    assert.ok(drafting.right > 0);
    assert.equal(plain.right, 0);
  });
}
