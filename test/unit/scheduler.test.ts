import assert from "node:assert/strict";
import test from "node:test";
import { type ErrorCode, HearthError } from "../../src/base/errors.js";
import type { StepPlan } from "../../src/engine/contract.js";
import { isFiller, type LoopLimits, LoopWatch } from "../../src/scheduler/loop-watch.js";
import { scripted } from "../fake-engine/module.js";
import { outcome, type Rig, request, startScheduler, until } from "../helpers/scheduler.js";

const hasCode = (error: unknown, code: ErrorCode) => error instanceof HearthError && error.code === code;

/** Nothing runs, nothing waits, and every sequence can be had again. */
async function assertAtRest({ scheduler, engine }: Rig): Promise<void> {
  await until(() => !scheduler.progress().busy);
  assert.equal(scheduler.busySlots, 0);
  assert.equal(scheduler.queueLength, 0);
  assert.ok(engine.openSequences <= engine.options.maxSequences);
  const again = await Promise.all(
    Array.from({ length: engine.options.maxSequences }, (_, i) => outcome(scheduler.submit(request(`again ${i}`)))),
  );
  for (const { error, tokens } of again) {
    assert.equal(error, null);
    assert.equal(tokens.length, 8);
  }
}

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

test("an answer ends at maxTokens, and at the end of the context", async () => {
  const rig = await startScheduler({}, { contextTokens: 20 });
  assert.equal((await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 5 })))).tokens.length, 5);
  const full = await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 100 })));
  assert.equal(full.end?.reason, "length");
  assert.equal(full.tokens.length, 18, "3 + 17 tokens fill the context, and one more needs no room");
});

test("an answer that goes round in circles ends; one that comes back after more tokens goes on, and so does one without a limit", async () => {
  const loops = { repeats: 12, tokens: 64 };
  const tokensBefore = async (circle: string, limits: Partial<LoopLimits> = {}) => {
    const beginning = "Once upon a time:";
    const text = beginning + circle.repeat(400 / circle.length);
    const rig = await startScheduler({ next: scripted(text) }, {}, { loops: { ...loops, ...limits } });
    const { tokens, end } = await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 200 })));
    assert.equal(end?.reason, "length");
    return tokens.length - beginning.length;
  };
  assert.equal(await tokensBefore("a"), 12);
  assert.equal(await tokensBefore("ha"), 24);
  assert.equal(await tokensBefore("no "), 64);
  assert.equal(await tokensBefore("sixteen letters."), 64);
  assert.equal(await tokensBefore("a", { repeats: 0 }), 64);
  assert.equal(await tokensBefore("no ", { tokens: 0 }), 200 - 17);
  assert.equal(await tokensBefore("seventeen letters"), 200 - 17);
  assert.equal(await tokensBefore("a", { repeats: 0, tokens: 0 }), 200 - 17);
});

test("rules and indents may be four times as long as words", () => {
  const words = ["ha", " ha", "!", "-", "  ", " 0", ",", "|---", "\u2500", "é"];
  const lengthOf = (...circle: string[]) => {
    const watch = new LoopWatch({ repeats: 24, tokens: 512 }, (token) => isFiller(words[token] ?? ""));
    for (let n = 1; n <= 600; n++) if (watch.loopsWith(words.indexOf(circle[n % circle.length] ?? ""))) return n;
    return null;
  };
  for (const word of ["ha", "!", "é", " 0", ","]) assert.equal(lengthOf(word), 24, word);
  for (const rule of ["-", "  ", "|---", "\u2500"]) assert.equal(lengthOf(rule), 96, rule);
  assert.equal(lengthOf("ha", "!"), 48);
  assert.equal(lengthOf("ha", ","), 48);
  assert.equal(lengthOf(" 0", ","), 48);
  assert.equal(lengthOf("-", "  "), 192);
  assert.equal(lengthOf("-", "  ", " 0"), 512);
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

test("the next turn finds its prefix in the KV cache and reads only what is new", async () => {
  const rig = await startScheduler({ next: scripted("Fine.") });
  const opening = "System: be kind. User: How are you?";
  await outcome(rig.scheduler.submit(request(opening)));
  const before = rig.engine.plans.length;
  const { end } = await outcome(rig.scheduler.submit(request(`${opening}Fine. User: And now?`)));
  assert.equal(end?.usage.cachedTokens, opening.length + 1 + "Fine.".length);
  const read = rig.engine.plans.slice(before).flatMap(({ chunks }) => chunks.map(({ tokens }) => tokens.length));
  assert.equal(read[0], " User: And now?".length);
});

test("strangers share a system prompt by forking it", async () => {
  const rig = await startScheduler({}, { maxSequences: 2 });
  const system = "You are a voice assistant for a house with many rooms. ";
  await outcome(rig.scheduler.submit(request(`${system}First question, a long one: ${"why ".repeat(30)}`)));
  const second = await outcome(rig.scheduler.submit(request(`${system}Second.`)));
  assert.equal(second.end?.usage.cachedTokens, system.length + 1);
  assert.equal(rig.engine.openSequences, 2);
});

test("a warm-up reads the prompt and generates nothing, and the question after it finds it", async () => {
  const rig = await startScheduler();
  const warm = await outcome(rig.scheduler.submit(request("A long system prompt.", { maxTokens: 0 })));
  assert.deepEqual(warm.tokens, []);
  assert.deepEqual(warm.end, {
    type: "end",
    reason: "stop",
    usage: { promptTokens: 22, cachedTokens: 0, generatedTokens: 0 },
  });
  const asked = await outcome(rig.scheduler.submit(request("A long system prompt. Hi")));
  assert.equal(asked.end?.usage.cachedTokens, 22);
  const again = await outcome(rig.scheduler.submit(request("A long system prompt.", { maxTokens: 0 })));
  assert.equal(again.end?.usage.cachedTokens, 22, "a second warm-up has nothing to read");
  await assertAtRest(rig);
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

test("the queue is bounded, first come first served, and tells the position", async () => {
  const rig = await startScheduler({ manual: true }, { maxSequences: 1 }, { maxQueued: 2 });
  const order: number[] = [];
  const ask = (i: number) =>
    outcome(rig.scheduler.submit(request(`${i}`, { maxTokens: 1 }))).then((result) => {
      order.push(i);
      return result;
    });
  const accepted = [ask(0), ask(1), ask(2)];
  assert.throws(
    () => rig.scheduler.submit(request("3")),
    (error) => hasCode(error, "QUEUE_FULL"),
  );
  assert.equal(rig.scheduler.queueLength, 2);
  for (let i = 0; i < 3; i++) await rig.engine.release();
  const results = await Promise.all(accepted);
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual(results[2]?.events[0], { type: "queued", position: 2 });
});

test("a prompt longer than the context is refused at once, an empty one too", async () => {
  const { scheduler } = await startScheduler({}, { contextTokens: 16 });
  assert.throws(
    () => scheduler.submit(request("x".repeat(16))),
    (error) => hasCode(error, "CONTEXT_OVERFLOW"),
  );
  assert.throws(
    () => scheduler.submit(request("", { prompt: new Int32Array() })),
    (error) => hasCode(error, "REQUEST_INVALID"),
  );
});

for (const phase of ["before it starts", "in the queue", "while its prompt is read", "in mid-answer"] as const) {
  test(`a request cancelled ${phase} leaks nothing`, async () => {
    const rig = await startScheduler({ stepMs: () => 1 }, { maxSequences: 1, maxBatchTokens: 8 });
    const controller = new AbortController();
    const { signal } = controller;
    if (phase === "before it starts") {
      controller.abort();
      assert.throws(
        () => rig.scheduler.submit(request("x", { signal })),
        (error) => hasCode(error, "REQUEST_CANCELLED"),
      );
    } else {
      const first = phase === "in the queue" ? outcome(rig.scheduler.submit(request("first"))) : null;
      const stream = rig.scheduler.submit(request("x".repeat(60), { signal, maxTokens: 100 }));
      const wanted = { "in the queue": "queued", "while its prompt is read": "prompt", "in mid-answer": "token" }[
        phase
      ];
      let error: unknown = null;
      try {
        for await (const event of stream) if (event.type === wanted) controller.abort();
      } catch (thrown) {
        error = thrown;
      }
      assert.ok(hasCode(error, "REQUEST_CANCELLED"), String(error));
      assert.equal((await first)?.error ?? null, null);
    }
    await assertAtRest(rig);
  });
}

test("a reader that leaves the loop cancels its request", async () => {
  const rig = await startScheduler({ stepMs: () => 1 });
  for await (const event of rig.scheduler.submit(request("Hi", { maxTokens: 400 }))) if (event.type === "token") break;
  await assertAtRest(rig);
});

test("a reader that never reads pauses its own stream only, and it goes on when it reads again", async () => {
  const rig = await startScheduler({}, {}, { maxUnreadTokens: 10 });
  const slow = rig.scheduler.submit(request("slow", { maxTokens: 50 }));
  const fast = await outcome(rig.scheduler.submit(request("fast", { maxTokens: 50 })));
  assert.equal(fast.tokens.length, 50);
  await until(() => !rig.scheduler.progress().busy);
  assert.equal(slow.length, 10);
  assert.equal(rig.scheduler.busySlots, 1);
  assert.equal((await outcome(slow)).tokens.length, 50);
  await assertAtRest(rig);
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

test("where every slot has room for a whole context, none waits for the others", async () => {
  const rig = await startScheduler({ manual: true }, { contextTokens: 128 });
  const first = [1, 2, 3].map((i) => outcome(rig.scheduler.submit(request(`${i}`, { maxTokens: 110 }))));
  for (let i = 0; i < 100; i++) await rig.engine.release();
  const last = outcome(rig.scheduler.submit(request("4", { maxTokens: 5 })));
  await rig.engine.release();
  await rig.engine.release();
  assert.equal(rig.engine.plans.at(-1)?.chunks.length, 4);
  while (rig.scheduler.progress().busy) await rig.engine.release();
  for (const { error } of await Promise.all([...first, last])) assert.equal(error, null);
});

test("a full KV cache evicts idle slots first", async () => {
  const rig = await startScheduler({}, { kvTokens: 128, contextTokens: 128 });
  for (const letter of "abc") await outcome(rig.scheduler.submit(request(letter.repeat(40), { maxTokens: 1 })));
  const { error, tokens } = await outcome(rig.scheduler.submit(request("z".repeat(90), { maxTokens: 20 })));
  assert.equal(error, null);
  assert.equal(tokens.length, 20);
});

test("a full KV cache sends the youngest request back, and it ends with the same answer", async () => {
  const options = { maxTokens: 140 };
  const roomy = await startScheduler({});
  const expected = await Promise.all(
    ["first ", "second "].map((text) => outcome(roomy.scheduler.submit(request(text, options)))),
  );
  const rig = await startScheduler({}, { kvTokens: 160 });
  const got = await Promise.all(
    ["first ", "second "].map((text) => outcome(rig.scheduler.submit(request(text, options)))),
  );
  assert.deepEqual(
    got.map(({ text, error }) => ({ text, error })),
    expected.map(({ text }) => ({ text, error: null })),
  );
  assert.match(await rig.metrics.render(), /hearth_preemptions_total [1-9]/);
});

test("drain lets running answers end, and refuses and fails the rest", async () => {
  const rig = await startScheduler({ stepMs: () => 1 }, { maxSequences: 1 });
  const running = outcome(rig.scheduler.submit(request("run")));
  const queued = outcome(rig.scheduler.submit(request("wait")));
  const drained = rig.scheduler.drain(10_000);
  assert.ok(hasCode((await queued).error, "SHUTTING_DOWN"));
  assert.throws(
    () => rig.scheduler.submit(request("late")),
    (error) => hasCode(error, "SHUTTING_DOWN"),
  );
  assert.equal((await running).tokens.length, 8);
  await drained;
  assert.equal(rig.scheduler.busySlots, 0);
});

test("drain ends an answer that takes too long", async () => {
  const rig = await startScheduler({ stepMs: () => 1 });
  const endless = outcome(rig.scheduler.submit(request("run", { maxTokens: 450 })));
  await until(() => rig.scheduler.progress().stepsCompleted > 2);
  const drained = rig.scheduler.drain(1000);
  await rig.clock.advance(1000);
  await drained;
  assert.ok(hasCode((await endless).error, "SHUTTING_DOWN"));
  assert.equal(rig.scheduler.busySlots, 0);
});

test("drain does not wait for a reader that never reads", async () => {
  const rig = await startScheduler({}, {}, { maxUnreadTokens: 4 });
  const stuck = rig.scheduler.submit(request("run", { maxTokens: 50 }));
  await until(() => !rig.scheduler.progress().busy);
  const drained = rig.scheduler.drain(1000);
  await rig.clock.advance(1000);
  await drained;
  assert.ok(hasCode((await outcome(stuck)).error, "SHUTTING_DOWN"));
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

test("a model that can go back to some places only reads what follows the last of them again", async () => {
  const text = "the same beginning for all of them, and then ";
  const plain = await startScheduler({}, { maxSequences: 2 });
  const recurrent = await startScheduler({ resumeEvery: 16 }, { maxSequences: 2 });
  for (const ending of ["this", "that", "this and that"]) {
    const expected = await outcome(plain.scheduler.submit(request(text + ending)));
    const answer = await outcome(recurrent.scheduler.submit(request(text + ending)));
    assert.deepEqual(answer.tokens, expected.tokens);
    const cached = expected.end?.usage.cachedTokens ?? 0;
    assert.equal(answer.end?.usage.cachedTokens, cached - (cached % 16));
  }
});
