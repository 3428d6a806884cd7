import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import type { MatmulKind, MatmulTrial } from "../../../../src/engine/contract.js";
import { choicesFor, choicesOf, tuneMatmuls } from "../../../../src/service/tuning/matmuls.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { q4, q6, ways } from "../../../helpers/matmul-trials.js";

type Speed = (kind: MatmulKind, trial: MatmulTrial) => number;

function moduleWith(speed: Speed, clock = new FakeClock()) {
  const module = new FakeEngineModule({ matmuls: { kinds: [q4, q6], ways, speed } });
  const tuned = async () => {
    const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
    return choicesOf(await tuneMatmuls(module, model, { ways, threads: 2, now: () => clock.now() }));
  };
  return { module, tuned };
}

test("each kind gets the fastest way for an answer, for some answers and for a prompt", async () => {
  const { tuned } = moduleWith(({ type }, { way, columns }) => {
    if (columns === 1) return way === (type === "Q4_0" ? "narrow:streams:512" : "wide:streams:256") ? 40e9 : 30e9;
    return way.startsWith("wide") ? 20e9 : 10e9;
  });
  const wide = "wide:memory:8192";
  assert.deepEqual(await tuned(), [
    { ...q4, one: "narrow:streams:512", few: wide, many: wide },
    { ...q6, one: "wide:streams:256", few: "wide:streams:256", many: wide },
  ]);
});

test("the usual way stays where another one is hardly faster", async () => {
  const { tuned } = moduleWith((_kind, { way }) => (way === ways[0] ? 30e9 : 30.5e9));
  for (const { one, few, many } of await tuned()) assert.deepEqual([one, few, many], [ways[0], ways[0], ways[0]]);
});

test("a disturbance of a round changes no choice", async () => {
  let trials = 0;
  const { tuned } = moduleWith((_kind, { way }) => {
    const isDisturbed = trials++ >= 2 && trials <= 10; // the first round of one column
    return isDisturbed ? 1e9 * trials : way === "narrow:streams:512" ? 40e9 : 30e9;
  });
  for (const { one } of await tuned()) assert.equal(one, "narrow:streams:512");
});

test("a slow machine is measured no more often than it has to be", async () => {
  const clock = new FakeClock();
  let trials = 0;
  const { tuned } = moduleWith(() => {
    trials++;
    void clock.advance(75); // for each of two kinds
    return 1e9;
  }, clock);
  const startedAt = clock.now();
  await tuned();
  assert.ok(clock.now() - startedAt <= 4500, `${clock.now() - startedAt} ms`);
  assert.ok(trials > 30);
});

test("choices are for all kinds of a model, or none", () => {
  const choice = { ...q4, one: "a", few: "b", many: "c" };
  assert.deepEqual(choicesFor([q4], [choice]), [choice]);
  assert.equal(choicesFor([q4, q6], [choice]), null);
  assert.deepEqual(choicesFor([], [choice]), []);
});
