import assert from "node:assert/strict";
import { statSync } from "node:fs";
import test from "node:test";
import { folderOf, idleMs, run, system, value } from "../../helpers/prefixes.js";
import { outcome, request, until } from "../../helpers/scheduler.js";

test("what was of use twice is written when nobody asks, and spares its reading after a restart", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  await first.ask(`${begin}Are the lights on?`);
  await first.rest();
  assert.deepEqual(first.stored(), [], "what was asked once may never come again");
  await first.ask(`${begin}Is the heating on?`);
  await first.clock.advance(idleMs - 1);
  assert.deepEqual(first.stored(), []);
  await first.rest();
  assert.equal(first.stored().length, 1);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const written = await value(first.registry, "hearth_prefix_written_bytes_total");
  assert.equal(written, await value(first.registry, "hearth_prefix_stored_bytes"));
  await first.ask(`${begin}Is the door open?`);
  await first.rest();
  assert.equal(await value(first.registry, "hearth_prefix_written_bytes_total"), written, "it is there already");

  const question = `${begin}Who are you?`;
  const cold = await (await run(folderOf(t))).ask(question);
  const second = await run(folder);
  const warm = await second.ask(question);
  assert.equal(warm.answer, cold.answer);
  assert.equal(warm.cached, begin.length + 1);
  assert.equal(cold.cached, 0);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1);
  assert.equal(await value(second.metrics, "hearth_prefix_restored_tokens_total"), begin.length + 1);
  assert.equal((await second.ask(`${begin}And you?`)).cached, begin.length + 1);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1, "the second time it is in memory");
});

test("a model that goes on from some places only stores those", async (t) => {
  const folder = folderOf(t);
  const fake = { resumeEvery: 100 };
  const begin = system("the mill");
  const first = await run(folder, { fake });
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  assert.equal(first.stored().length, 1);
  const { cached } = await (await run(folder, { fake })).ask(`${begin}Doors?`);
  assert.equal(cached, Math.floor((begin.length + 1) / 100) * 100);
});

test("several requests wait for one reading, others pass, and one that is cancelled leaves no trace", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  const second = await run(folder, { fake: { transferMs: 50 }, engine: { prefixBytes: 1e6 } });
  const cancel = new AbortController();
  const gone = outcome(second.scheduler.submit(request(`${begin}Gone?`, { signal: cancel.signal })));
  const waiting = [0, 1, 2].map((i) => second.ask(`${begin}Question ${i}?`));
  const passing = await second.ask("Hi");
  assert.equal(passing.cached, 0);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 0, "the short one did not wait");
  cancel.abort();
  assert.ok((await gone).error);
  for (const { cached } of await Promise.all(waiting)) assert.ok(cached > begin.length);
  assert.equal(await value(second.metrics, "hearth_prefix_restores_total"), 1);
});

test("answers go on while a prefix is written, and it is what it was when the writing began", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder, { fake: { transferMs: 100 }, engine: { maxSequences: 1 } });
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await until(() => !first.scheduler.progress().busy);
  let began = false;
  const save = first.engine.saveSnapshot.bind(first.engine);
  first.engine.saveSnapshot = (...args) => {
    began = true;
    return save(...args);
  };
  await first.clock.advance(idleMs);
  await until(() => began);
  await first.ask(`Something else. ${"x".repeat(900)}`); // takes the slot, and its sequence goes
  // Not only until the file is there: the next process would find this one still at its ledger.
  await until(() => first.log.some(({ msg }) => msg === "a prefix was stored"));
  assert.equal((await (await run(folder)).ask(`${begin}Doors?`)).cached, begin.length + 1);
});
