import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FakeClock } from "../../../src/base/clock.js";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";
import { Health } from "../../../src/base/health.js";
import { silentLogger } from "../../../src/base/logger.js";
import { Metrics } from "../../../src/base/metrics.js";
import { SchedulerMetrics } from "../../../src/scheduler/metrics.js";
import { defaultSchedulerOptions } from "../../../src/scheduler/types.js";
import { GenerationService } from "../../../src/service/generation.js";
import { type CatalogModel, ModelRegistry } from "../../../src/service/model-registry.js";
import { defaultSampling } from "../../../src/service/types.js";
import { FakeEngineModule, type FakeOptions, scripted } from "../../fake-engine/module.js";
import { until } from "../../helpers/scheduler.js";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;

const never = new AbortController().signal;

/** Weights of 4000 bytes, and 128 bytes for each token of a cache of 100. */
const modelBytes = 4000 + 128 * 100;

interface Rig {
  readonly models?: number;
  readonly budgetModels?: number;
  readonly fake?: FakeOptions;
}

/** A registry whose memory has room for `budgetModels` models, the configured one included. */
function makeRegistry({ models = 3, budgetModels = 2, fake = {} }: Rig = {}) {
  const module = new FakeEngineModule(fake);
  const clock = new FakeClock();
  const health = new Health(clock);
  const metrics = new Metrics();
  const catalog = Array.from({ length: models }, (_, i): CatalogModel => {
    const name = `m${i + 1}`;
    return { name, path: `/store/${name}.gguf` };
  });
  const registry = new ModelRegistry(
    module,
    {
      list: () => catalog,
      find: (name) => catalog.find((model) => model.name === name.toLowerCase()) ?? null,
    },
    {
      configured: { name: "home", path: "/home.gguf" },
      alias: "assistant",
      host: {
        engine: {
          threads: 1,
          decodeThreads: 0,
          maxSequences: 2,
          contextTokens: 512,
          kvTokens: 100,
          maxBatchTokens: 64,
          isa: "",
        },
        scheduler: defaultSchedulerOptions,
        loadWaitMs: 1000,
      },
      budgetBytes: budgetModels * modelBytes,
      keepAliveMs: 5000,
    },
    { clock, health, logger: silentLogger(), metrics: new SchedulerMetrics(metrics) },
  );
  const names = () => registry.loaded().map(({ name }) => name);
  return { module, clock, health, metrics, catalog, registry, names };
}

test("the models are the configured one and the catalog's, and default is the configured one", () => {
  const { registry, catalog } = makeRegistry();
  assert.deepEqual(registry.names(), ["assistant", "m1", "m2", "m3"]);
  for (const name of ["default", "assistant", "home", "Assistant:latest", "HOME"])
    assert.equal(registry.resolve(name), "assistant");
  assert.equal(registry.resolve("M2"), "m2");
  catalog.push({ name: "assistant", path: "other.gguf" }); // hidden by the configured one's alias
  assert.deepEqual(registry.names(), ["assistant", "m1", "m2", "m3"]);
  catalog.pop();
  assert.throws(() => registry.resolve("m4"), hasCode("MODEL_NOT_FOUND"));
  catalog.push({ name: "m4", path: "/store/m4.gguf" });
  assert.equal(registry.resolve("m4"), "m4");
  for (const name of ["home", "assistant"]) catalog.push({ name, path: `/store/${name}.gguf` });
  assert.deepEqual(registry.names(), ["assistant", "m1", "m2", "m3", "m4"]);
});

test("a request for a model loads it, and it goes when nobody asked for it for a while", async () => {
  const { registry, clock, names, module } = makeRegistry();
  await registry.start();
  const lease = await registry.acquire("m1", never);
  assert.deepEqual(names(), ["assistant", "m1"]);
  await clock.advance(60_000);
  assert.deepEqual(names(), ["assistant", "m1"], "it is in use");
  lease.release();
  assert.equal(registry.loaded()[1]?.expiresAt, 65_000);
  await clock.advance(4000);
  (await registry.acquire("m1", never)).release();
  await clock.advance(4999);
  assert.deepEqual(names(), ["assistant", "m1"]);
  await clock.advance(1);
  assert.deepEqual(names(), ["assistant"], "the configured one stays");
  assert.throws(() => module.engines[1]?.openSequence({ ...defaultSampling, seed: 0 }), hasCode("ENGINE_CLOSED"));
  assert.equal(module.models.length, 2, "it was loaded once");
});

test("a request may say how long its model stays: not at all, or for ever", async () => {
  const { registry, clock, names } = makeRegistry();
  await registry.start();
  (await registry.acquire("m1", never, -1)).release();
  await clock.advance(1_000_000);
  assert.deepEqual(names(), ["assistant", "m1"]);
  (await registry.acquire("m1", never, 0)).release();
  await until(() => names().length === 1);
  (await registry.acquire("default", never, 0)).release();
  await clock.advance(1_000_000);
  assert.deepEqual(names(), ["assistant"]);
});

test("requests that come while a model is loaded share it", async () => {
  const { registry, module } = makeRegistry({ fake: { loadMs: 20 } });
  await registry.start();
  const leases = await Promise.all([1, 2, 3].map(() => registry.acquire("m1", never)));
  assert.equal(new Set(leases.map(({ loaded }) => loaded)).size, 1);
  assert.equal(module.models.length, 2);
  assert.equal(registry.loaded()[1]?.users, 3);
});

test("the least recently used model makes room, and never one that is in use before its request has ended", async () => {
  const { registry, clock, names } = makeRegistry({ budgetModels: 3 });
  await registry.start();
  (await registry.acquire("m1", never)).release();
  await clock.advance(10);
  const second = await registry.acquire("m2", never);
  await clock.advance(10);
  (await registry.acquire("m3", never)).release();
  assert.deepEqual(names(), ["assistant", "m2", "m3"], "m1 was used least recently");
  const first = registry.acquire("m1", never);
  await until(() => names().join() === "assistant,m2,m1");
  const third = registry.acquire("m3", never);
  (await first).release();
  await until(() => names().join() === "assistant,m2,m3");
  const both = [await third, second];
  const waiting = registry.acquire("m1", never);
  for (let i = 0; i < 5; i++) await nextTurn();
  assert.ok(names().includes("m2") && names().includes("m3"), "both are in use");
  for (const lease of both) lease.release();
  (await waiting).release();
});

test("who asks for a model that has to wait for room too long is told to try again", async () => {
  const { registry, clock } = makeRegistry();
  await registry.start();
  const lease = await registry.acquire("m1", never);
  const late = assert.rejects(registry.acquire("m2", never), hasCode("MODEL_LOADING"));
  for (let i = 0; i < 5; i++) await nextTurn();
  await clock.advance(1000);
  await late;
  const again = registry.acquire("m2", never);
  lease.release();
  (await again).release();
});

test("a model that would not fit beside the configured one is an error, and nothing is unloaded for it", async () => {
  const { registry, names } = makeRegistry({ budgetModels: 1.5 });
  await registry.start();
  await assert.rejects(registry.acquire("m1", never), hasCode("MODEL_DOES_NOT_FIT"));
  assert.deepEqual(names(), ["assistant"]);
  (await registry.acquire("default", never)).release();
});

test("a model that cannot be loaded fails its requests only, and is tried again by the next", async () => {
  const { registry, module, health, names } = makeRegistry();
  await registry.start();
  module.failCall("loadModel", 1, "GGUF_TRUNCATED");
  await assert.rejects(registry.acquire("m1", never), hasCode("GGUF_TRUNCATED"));
  await until(() => names().length === 1);
  assert.ok(health.healthy);
  (await registry.acquire("m1", never)).release();
});

test("a model that was replaced in the catalog is loaded anew, and the old one ends its answers", async () => {
  const { registry, catalog, module, names } = makeRegistry({ budgetModels: 3 });
  await registry.start();
  const old = await registry.acquire("m1", never);
  catalog[0] = { name: "m1", path: "/store/m1-new.gguf" };
  const fresh = await registry.acquire("m1", never);
  assert.notEqual(fresh.loaded, old.loaded);
  assert.equal(module.models.at(-1)?.info.name, "/store/m1-new.gguf");
  assert.deepEqual(names(), ["assistant", "m1", "m1"]);
  old.release();
  await until(() => names().length === 2);
});

test("loading one model does not hold up the answers of another", async () => {
  const { registry, module } = makeRegistry({ fake: { loadMs: 600, next: scripted("Hello") } });
  await registry.start();
  const service = new GenerationService(registry);
  const loading = registry.acquire("m1", never);
  let text = "";
  const request = {
    model: "default",
    messages: [{ role: "user" as const, content: "Hi" }],
    sampling: { temperature: 0 },
    maxTokens: null,
    stop: [],
    cacheKey: null,
    generate: true,
    signal: never,
  };
  for await (const event of service.generate(request)) if (event.type === "text") text += event.text;
  assert.equal(text, "Hello");
  assert.equal(module.models.length, 1, "the other one is still being loaded");
  (await loading).release();
});

test("an answer holds its model until it ends, is cancelled, or fails", async () => {
  const { registry } = makeRegistry({ fake: { next: scripted("Hello, world") } });
  await registry.start();
  const service = new GenerationService(registry);
  const users = () => registry.loaded().find(({ name }) => name === "m1")?.users;
  const ask = (content: string) =>
    service.generate({
      model: "m1",
      messages: [{ role: "user", content }],
      sampling: { temperature: 0 },
      maxTokens: null,
      stop: [],
      cacheKey: null,
      generate: true,
      signal: never,
    });
  for await (const event of ask("Hi")) {
    assert.equal(users(), 1);
    if (event.type === "text") break;
  }
  assert.equal(users(), 0);
  await assert.rejects(ask("x".repeat(600)).next(), hasCode("CONTEXT_OVERFLOW"));
  assert.equal(users(), 0);
});

test("a model whose engine fails is loaded anew by the next request, and the daemon stays ready", async () => {
  const { registry, module, health, names } = makeRegistry({ fake: { next: scripted("Hello") } });
  await registry.start();
  const service = new GenerationService(registry);
  const lease = await registry.acquire("m1", never);
  module.failCall("stepResult", 1, "FILE_READ_FAILED");
  const answer = service.generate({
    model: "m1",
    messages: [{ role: "user", content: "Hi" }],
    sampling: {},
    maxTokens: null,
    stop: [],
    cacheKey: null,
    generate: true,
    signal: never,
  });
  await assert.rejects(async () => {
    for await (const _event of answer);
  }, hasCode("FILE_READ_FAILED"));
  assert.ok(health.healthy);
  const fresh = registry.acquire("m1", never);
  lease.release();
  assert.notEqual((await fresh).loaded, lease.loaded);
  await until(() => names().length === 2);
});

test("unload waits for the answers", async () => {
  const { registry, names } = makeRegistry();
  await registry.start();
  const lease = await registry.acquire("m1", never);
  let gone = false;
  const unloading = registry.unload("m1").then(() => {
    gone = true;
  });
  await nextTurn();
  assert.equal(gone, false);
  lease.release();
  await unloading;
  assert.deepEqual(names(), ["assistant"]);
});

test("the configured model is not unloaded", async () => {
  const { registry, names } = makeRegistry();
  await registry.start();
  await registry.unload("default");
  assert.deepEqual(names(), ["assistant"]);
});

test("stopping ends all models and refuses new requests", async () => {
  const { registry, module } = makeRegistry({ budgetModels: 4 });
  await registry.start();
  for (const name of ["m1", "m2"]) (await registry.acquire(name, never)).release();
  await registry.stop(0);
  for (const engine of module.engines)
    assert.throws(() => engine.openSequence({ ...defaultSampling, seed: 0 }), hasCode("ENGINE_CLOSED"));
  await assert.rejects(registry.acquire("m1", never), hasCode("SHUTTING_DOWN"));
});

test("a name for another model's file is that model, loaded once, and is told when it is gone", async () => {
  const { module, registry, catalog } = makeRegistry();
  await registry.start();
  catalog.push({ name: "poet", path: "", base: "m1", settings: { system: "Rhyme." } });
  const signal = new AbortController().signal;
  const [own, poet] = [await registry.acquire("m1", signal), await registry.acquire("poet", signal)];
  assert.equal(module.engines.length, 2, "the configured one, and m1 once");
  assert.equal(poet.loaded.scheduler, own.loaded.scheduler);
  assert.deepEqual([own.loaded.defaults.system, poet.loaded.defaults.system], ["", "Rhyme."]);
  own.release();
  poet.release();
  catalog.shift();
  await assert.rejects(registry.acquire("poet", signal), /"poet" is made from "m1", which is not there/);
});
