import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../fake-engine/module.js";
import { until } from "../../helpers/scheduler.js";
import { ask, collect, hasCode, makeService } from "./hosts.js";

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
