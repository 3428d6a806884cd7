import assert from "node:assert/strict";
import test from "node:test";
import { folderOf, run, system } from "../../helpers/prefixes.js";
import { outcome, request } from "../../helpers/scheduler.js";

test("prefixes outlive their slot for as long as there is memory, and the answers are those without", async (t) => {
  const houses = ["the mill", "the barn", "the tower", "the cabin"];
  const prompts = houses.flatMap((house) => [`${system(house)}Lights?`]);
  const off = await run(folderOf(t), { engine: { maxSequences: 1 } });
  const on = await run(folderOf(t), { engine: { maxSequences: 1, prefixBytes: 4 * 2048 * 128 } });
  for (const prompt of prompts) assert.equal((await on.ask(prompt)).answer, (await off.ask(prompt)).answer);
  for (const prompt of prompts) {
    const [kept, lost] = [await on.ask(`${prompt} Heating?`), await off.ask(`${prompt} Heating?`)];
    assert.equal(kept.answer, lost.answer);
    assert.equal(kept.cached, prompt.length + 1);
    assert.ok(lost.cached < 30, "one slot has one prefix");
  }
  assert.ok(on.scheduler.busySlots === 0 && on.engine.openSequences <= 9);
});

test("no more requests run at once than before", async (t) => {
  const { scheduler, engine } = await run(folderOf(t), { engine: { prefixBytes: 1e6 } });
  const answers = Array.from({ length: 9 }, (_, i) => outcome(scheduler.submit(request(`${system(`house ${i}`)}`))));
  for (const { error } of await Promise.all(answers)) assert.equal(error, null);
  assert.ok(engine.plans.every(({ chunks }) => chunks.length <= 2));
});

test("a pinned prefix stays when others have to go, and is not taken over", async (t) => {
  const { scheduler, ask, engine } = await run(folderOf(t), { engine: { prefixBytes: 300 * 128, kvTokens: 1500 } });
  const pinned = system("the pinned one");
  await outcome(scheduler.submit(request(pinned, { maxTokens: 0, pinned: true })));
  for (let i = 0; i < 20; i++) await ask(`${system(`house ${i}`)}And ${i}?`);
  assert.equal((await ask(`${pinned}Lights?`)).cached, pinned.length + 1);
  assert.equal((await ask(`${pinned}Heating?`)).cached, pinned.length + 1);
  assert.ok(engine.freeKvTokens() >= 0);
});

test("requests that begin alike and come together read it once", async (t) => {
  const { scheduler, engine, ask } = await run(folderOf(t), { engine: { maxSequences: 4, maxBatchTokens: 64 } });
  const begin = system("the mill");
  const expected = await (await run(folderOf(t))).ask(`${begin}Question 2?`);
  const answers = await Promise.all([0, 1, 2, 3].map((i) => ask(`${begin}Question ${i}?`)));
  assert.equal(answers[2]?.answer, expected.answer);
  const read = engine.plans.flatMap(({ chunks }) => chunks.map(({ tokens }) => tokens.length)).filter((n) => n > 1);
  assert.ok(read.reduce((sum, n) => sum + n, 0) < begin.length * 1.5, `${read}`);
  assert.equal(scheduler.busySlots, 0);
});

test("one that waits for another's prefix goes its own way when that one is cancelled", async (t) => {
  const { scheduler, engine } = await run(folderOf(t), { fake: { manual: true }, engine: { maxBatchTokens: 64 } });
  const begin = system("the mill");
  const cancel = new AbortController();
  const first = outcome(scheduler.submit(request(`${begin}First?`, { signal: cancel.signal })));
  const second = outcome(scheduler.submit(request(`${begin}Second?`)));
  await engine.release();
  assert.equal(scheduler.busySlots, 1);
  cancel.abort();
  while (scheduler.progress().busy) await engine.release();
  assert.ok((await first).error);
  assert.equal((await second).error, null);
});
