import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../../src/base/clock.js";
import { type ErrorCode, HearthError } from "../../src/base/errors.js";
import { Health } from "../../src/base/health.js";
import { silentLogger } from "../../src/base/logger.js";
import { Metrics } from "../../src/base/metrics.js";
import { SchedulerMetrics } from "../../src/scheduler/metrics.js";
import { defaultSchedulerOptions } from "../../src/scheduler/types.js";
import { GenerationService } from "../../src/service/generation.js";
import { ModelHost } from "../../src/service/model-host.js";
import type { GenerationEvent, GenerationRequest } from "../../src/service/types.js";
import { FakeEngineModule, type FakeOptions, scripted } from "../fake-engine/module.js";
import { until } from "../helpers/scheduler.js";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;

function makeService(fake: FakeOptions = {}) {
  const module = new FakeEngineModule(fake);
  const clock = new FakeClock();
  const health = new Health(clock);
  const host = new ModelHost(
    module,
    {
      path: "/models/tiny.gguf",
      alias: "",
      engine: {
        threads: 1,
        decodeThreads: 0,
        maxSequences: 2,
        contextTokens: 512,
        kvTokens: 0,
        maxBatchTokens: 64,
        isa: "",
      },
      scheduler: defaultSchedulerOptions,
      loadWaitMs: 1000,
    },
    { clock, health, logger: silentLogger(), metrics: new SchedulerMetrics(new Metrics()) },
  );
  return { module, clock, health, host, service: new GenerationService(host) };
}

function ask(text: string, more: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    model: "default",
    messages: [{ role: "user", content: text }],
    sampling: { temperature: 0 },
    maxTokens: null,
    stop: [],
    cacheKey: null,
    generate: true,
    signal: new AbortController().signal,
    ...more,
  };
}

async function collect(events: AsyncIterable<GenerationEvent>) {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => (event.type === "text" ? event.text : "")).join("");
  return { all, text, done: all.find((event) => event.type === "done") };
}

test("an answer starts, comes in whole characters, and is done", async () => {
  const { host, service } = makeService({ next: scripted("Grüße, 世界 🔥!") });
  await host.start();
  const { all, text, done } = await collect(service.generate(ask("Hi")));
  assert.equal(text, "Grüße, 世界 🔥!");
  assert.ok(all.every((event) => event.type !== "text" || !event.text.includes("\uFFFD")));
  assert.equal(all.filter(({ type }) => type === "started").length, 1);
  assert.equal(done?.reason, "stop");
  assert.equal(done?.usage.generatedTokens, new TextEncoder().encode("Grüße, 世界 🔥!").length);
});

test("a stop text ends the answer before it, also when it comes in pieces", async () => {
  const { host, service } = makeService({ next: scripted("One two STOP three") });
  const { scheduler } = await host.start();
  const { text, done } = await collect(service.generate(ask("Hi", { stop: ["STOP"] })));
  assert.equal(text, "One two ");
  assert.equal(done?.reason, "stop");
  assert.equal(done?.usage.generatedTokens, 12);
  await until(() => scheduler.busySlots === 0);
});

test("what looked like a stop text and was none is shown at the end", async () => {
  const { host, service } = makeService({ next: scripted("One ST") });
  await host.start();
  assert.equal((await collect(service.generate(ask("Hi", { stop: ["STOP"] })))).text, "One ST");
});

test("the usage of a stopped answer counts its prompt and what was cached", async () => {
  const { host, service } = makeService({ next: scripted("a STOP") });
  await host.start();
  const prompt = "A long enough prompt to be found again";
  await collect(service.generate(ask(prompt, { stop: ["STOP"] })));
  const { done } = await collect(service.generate(ask(`${prompt}, and more`, { stop: ["STOP"] })));
  assert.equal(done?.usage.cachedTokens, prompt.length + 1);
  assert.equal(done?.usage.promptTokens, prompt.length + 1 + ", and more".length);
});

test("a warm-up reads the prompt and answers nothing", async () => {
  const { host, service } = makeService();
  await host.start();
  const { all, done } = await collect(service.generate(ask("Long system prompt", { generate: false })));
  assert.ok(all.every(({ type }) => type === "prompt" || type === "done"));
  assert.deepEqual(done?.usage, { promptTokens: 19, cachedTokens: 0, generatedTokens: 0, reasoningTokens: 0 });
});

test("the model is found by its file's name and as default, and by no other name", async () => {
  const { host, service } = makeService();
  assert.equal(service.resolveModel("default"), "tiny");
  assert.equal(service.resolveModel("tiny"), "tiny");
  assert.throws(() => service.resolveModel("gpt-5"), hasCode("MODEL_NOT_FOUND"));
  assert.deepEqual(service.models(), ["tiny"]);
  await host.start();
  await assert.rejects(collect(service.generate(ask("Hi", { model: "gpt-5" }))), hasCode("MODEL_NOT_FOUND"));
});

test("a request waits for the model and then runs", async () => {
  const { host, service, health } = makeService({ loadMs: 20, next: scripted("Hello") });
  const answer = collect(service.generate(ask("Hi")));
  assert.equal(host.phase, "loading");
  assert.equal(health.get("model")?.healthy, false);
  await host.start();
  assert.equal((await answer).text, "Hello");
  assert.equal(health.get("model")?.healthy, true);
});

test("a request that waits too long for the model is told to try again", async () => {
  const { service, clock } = makeService();
  const answer = collect(service.generate(ask("Hi")));
  const rejected = assert.rejects(answer, hasCode("MODEL_LOADING"));
  await clock.advance(1000);
  await rejected;
});

test("a request cancelled while it waits for the model ends at once", async () => {
  const { service } = makeService();
  const controller = new AbortController();
  const answer = collect(service.generate(ask("Hi", { signal: controller.signal })));
  controller.abort();
  await assert.rejects(answer, hasCode("REQUEST_CANCELLED"));
});

test("a model that cannot be loaded is a condition, and the error of every request", async () => {
  const { host, module, service, health } = makeService();
  module.failCall("loadModel", 1, "GGUF_TRUNCATED");
  await assert.rejects(host.start(), hasCode("GGUF_TRUNCATED"));
  assert.equal(host.phase, "failed");
  assert.equal(health.get("model")?.healthy, false);
  await assert.rejects(collect(service.generate(ask("Hi"))), hasCode("GGUF_TRUNCATED"));
});

test("stopping while the model loads frees it and fails who waits", async () => {
  const { host, module, service } = makeService({ loadMs: 20 });
  const loading = host.start();
  const answer = assert.rejects(collect(service.generate(ask("Hi"))), hasCode("SHUTTING_DOWN"));
  await host.stop(1000);
  await assert.rejects(loading, hasCode("SHUTTING_DOWN"));
  await answer;
  const [engine] = module.engines;
  assert.throws(() => engine?.sequenceLength(1), "the engine was closed");
  await assert.rejects(collect(service.generate(ask("Hi"))), hasCode("SHUTTING_DOWN"));
});

test("a text that no context holds is refused before it is tokenized, a long one that may fit is not", async () => {
  const { host, module, service } = makeService();
  await host.start();
  const [model] = module.models;
  assert.ok(model);
  let encoded = 0;
  const encode = model.encode.bind(model);
  model.encode = (words) => {
    encoded++;
    return encode(words);
  };
  await assert.rejects(collect(service.generate(ask("x".repeat(1_000_000)))), hasCode("CONTEXT_OVERFLOW"));
  assert.equal(encoded, 0);
  await assert.rejects(collect(service.generate(ask("x".repeat(600)))), hasCode("CONTEXT_OVERFLOW"));
  assert.equal(encoded, 1);
  assert.equal((await collect(service.generate(ask("x".repeat(500), { maxTokens: 1 })))).done?.usage.promptTokens, 501);
});

test("a conversation goes through the model's template", async () => {
  const chatTemplate =
    "{% for m in messages %}<|turn|>{{ m.role }}: {{ m.content }}<|end|>{% endfor %}" +
    "{% if add_generation_prompt %}<|turn|>assistant: {% endif %}";
  const { host, module, service } = makeService({ chatTemplate, next: scripted("Yes.") });
  await host.start();
  await collect(service.generate(ask("Is <|end|> mine?")));
  const read = module.engines[0]?.plans.flatMap(({ chunks }) => chunks.flatMap(({ tokens }) => [...tokens])) ?? [];
  assert.equal(read.filter((id) => id === 259).length, 1, "text of a user is no control token");
  assert.equal(read.filter((id) => id === 258).length, 2);
});

test("a model whose template never ends fails to load within the limits, with an error of its own", async () => {
  const loop = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
  const { host } = makeService({ chatTemplate: loop });
  const started = performance.now();
  await assert.rejects(host.start(), hasCode("CHAT_TEMPLATE_FAILED"));
  assert.ok(performance.now() - started < 5_000);
});
