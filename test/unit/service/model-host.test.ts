import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../fake-engine/module.js";
import { ask, collect, hasCode, makeService } from "./hosts.js";

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

test("a model whose template never ends fails to load within the limits, with an error of its own", async () => {
  const loop = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
  const { host } = makeService({ chatTemplate: loop });
  const started = performance.now();
  await assert.rejects(host.start(), hasCode("CHAT_TEMPLATE_FAILED"));
  assert.ok(performance.now() - started < 5_000);
});
