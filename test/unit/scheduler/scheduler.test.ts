import assert from "node:assert/strict";
import test from "node:test";
import type { StepPlan } from "../../../src/engine/contract.js";
import { scripted } from "../../fake-engine/module.js";
import { outcome, request, startScheduler, until } from "../../helpers/scheduler.js";
import { assertAtRest, hasCode } from "./schedulers.js";

test("an answer ends at its stop token, with the tokens before it", async () => {
  const rig = await startScheduler({ next: scripted("Hello!") });
  const { text, end } = await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 100 })));
  assert.equal(text, "Hello!");
  assert.deepEqual(end, {
    type: "end",
    reason: "stop",
    usage: { promptTokens: 3, cachedTokens: 0, generatedTokens: 6 },
  });
});

test("an answer ends at maxTokens", async () => {
  const rig = await startScheduler();
  assert.equal((await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 5 })))).tokens.length, 5);
});

test("an answer ends at the end of the context", async () => {
  const rig = await startScheduler({}, { contextTokens: 20 });
  const full = await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 100 })));
  assert.equal(full.end?.reason, "length");
  assert.equal(full.tokens.length, 18, "3 + 17 tokens fill the context, and one more needs no room");
});

test("a batch of many gives each the answer that it gets alone, whatever the chunks", async () => {
  const prompts = Array.from({ length: 12 }, (_, i) => `${"prompt ".repeat(i * 3)}${i}`);
  const alone = await startScheduler({}, { maxSequences: 1, maxBatchTokens: 512 });
  const expected: string[] = [];
  for (const prompt of prompts) expected.push((await outcome(alone.scheduler.submit(request(prompt)))).text);
  for (const maxBatchTokens of [4, 7, 64]) {
    const rig = await startScheduler({}, { maxBatchTokens });
    const got = await Promise.all(prompts.map((prompt) => outcome(rig.scheduler.submit(request(prompt)))));
    assert.deepEqual(
      got.map(({ text }) => text),
      expected,
    );
    await assertAtRest(rig);
  }
});

test("a long prompt does not stall a running stream: every step carries a token of it", async () => {
  const rig = await startScheduler({ manual: true }, { maxBatchTokens: 16 });
  const stream = outcome(rig.scheduler.submit(request("Hi", { maxTokens: 12 })));
  await rig.engine.release();
  const long = outcome(rig.scheduler.submit(request("x".repeat(100), { maxTokens: 1 })));
  while (rig.scheduler.busySlots > 0) {
    await rig.engine.release();
    await until(() => rig.engine.held || !rig.scheduler.progress().busy);
  }
  const streaming = rig.engine.plans.filter(({ chunks }) => chunks.some(({ tokens }) => tokens.length === 1));
  assert.equal((await stream).tokens.length, 12);
  assert.equal((await long).tokens.length, 1);
  assert.ok(rig.engine.plans.length < 16, `${rig.engine.plans.length} steps`);
  assert.ok(streaming.length >= 11);
});

test("a long prompt slows a running answer at most fourfold, and gets at least half of the time", async () => {
  const decodeMs = 2;
  const steps: { answers: number; prompt: number; ms: number }[] = [];
  const stepMs = ({ chunks }: StepPlan) => {
    const answers = chunks.filter(({ promptLeft, tokens }) => promptLeft === 0 && tokens.length === 1).length;
    const prompt = chunks.reduce((sum, { tokens }) => sum + tokens.length, 0) - answers;
    const ms = (answers > 0 ? decodeMs : 0) + 0.25 * prompt;
    steps.push({ answers, prompt, ms });
    return ms;
  };
  const rig = await startScheduler({ stepMs }, { contextTokens: 2048, maxBatchTokens: 256 }, { speculation: false });
  const leaves = new AbortController();
  const reading = outcome(rig.scheduler.submit(request("Hi", { maxTokens: 400, signal: leaves.signal })));
  await until(() => steps.length > 4);
  const long = await outcome(rig.scheduler.submit(request("x".repeat(600), { maxTokens: 0 })));
  assert.equal(long.end?.usage.promptTokens, 601);
  const shared = steps.filter(({ answers, prompt }) => answers === 1 && prompt > 0);
  const mean = shared.reduce((sum, { ms }) => sum + ms, 0) / shared.length;
  assert.ok(mean <= 4 * decodeMs, `${mean} ms a token instead of ${decodeMs}`);
  assert.ok(mean >= 2 * decodeMs, `the prompt gets too little: ${mean} ms a step`);
  assert.equal(
    shared.reduce((sum, { prompt }) => sum + prompt, 0),
    601,
    "all of it was read beside the answer",
  );
  leaves.abort();
  await reading;
});

test("prompt progress counts up to the whole prompt", async () => {
  const rig = await startScheduler({ manual: true }, { maxBatchTokens: 10 });
  const stream = rig.scheduler.submit(request("x".repeat(24), { maxTokens: 1 }));
  const read: number[] = [];
  for await (const event of stream) {
    if (event.type === "prompt") {
      read.push(event.read);
      if (event.read < event.total) await rig.engine.release();
    }
  }
  assert.deepEqual(read, [0, 10, 20, 25]);
});

test("a failed step fails only the requests in it, and shows in the health", async () => {
  const rig = await startScheduler({ manual: true }, { maxSequences: 2 });
  const hit = [outcome(rig.scheduler.submit(request("a"))), outcome(rig.scheduler.submit(request("b")))];
  const spared = outcome(rig.scheduler.submit(request("c", { maxTokens: 2 })));
  rig.module.failCall("stepResult", 3, "FILE_READ_FAILED");
  await rig.engine.release(); // the first prompt
  await rig.engine.release(); // its answer alone, which shows what it costs
  await rig.engine.release();
  for (const { error } of await Promise.all(hit)) assert.ok(hasCode(error, "FILE_READ_FAILED"), String(error));
  assert.equal(rig.health.get("engine")?.healthy, false);
  await rig.engine.release();
  await rig.engine.release();
  assert.equal((await spared).tokens.length, 2);
  assert.equal(rig.health.get("engine")?.healthy, true, "a step that works makes it healthy again");
});

test("the n-th call of each engine method may fail: the request fails, the scheduler lives", async () => {
  for (const method of [
    "openSequence",
    "forkSequence",
    "truncateSequence",
    "resumableTokens",
    "sequenceLength",
    "setSampler",
    "closeSequence",
    "step",
  ] as const) {
    for (const nth of [1, 2, 3]) {
      const rig = await startScheduler({}, { maxSequences: 2 });
      rig.module.failCall(method, nth, "INTERNAL");
      const prompts = [
        "long common beginning A",
        "long common beginning B",
        "other",
        "long common beginning A",
        "more",
      ];
      for (const prompt of prompts) {
        const { error, tokens } = await outcome(rig.scheduler.submit(request(prompt)));
        assert.ok(error === null ? tokens.length === 8 : hasCode(error, "INTERNAL"), `${method} ${nth}: ${error}`);
      }
      await until(() => !rig.scheduler.progress().busy);
      assert.equal(rig.scheduler.busySlots, 0);
    }
  }
});

test("progress says busy while a step hangs, and counts the finished ones", async () => {
  const rig = await startScheduler({ manual: true });
  assert.equal(rig.scheduler.progress().busy, false);
  const answer = outcome(rig.scheduler.submit(request("Hi", { maxTokens: 2 })));
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.scheduler.progress(), { busy: true, stepsCompleted: 0, lastProgressAt: 0 });
  await rig.engine.release();
  assert.deepEqual(rig.scheduler.progress(), { busy: true, stepsCompleted: 1, lastProgressAt: 60_000 });
  await rig.engine.release();
  await answer;
  assert.deepEqual(rig.scheduler.progress(), { busy: false, stepsCompleted: 2, lastProgressAt: 60_000 });
});
