/** Defaults of a model: from its file, from what was set for its name, and what a request says over both. */
import assert from "node:assert/strict";
import test from "node:test";
import type { SamplerOptions } from "../../../src/engine/contract.js";
import { defaultsOf } from "../../../src/service/model-defaults.js";
import { type FakeEngineModule, scripted } from "../../fake-engine/module.js";
import { type Event, startServer } from "../../helpers/server.js";

test("a file's keys are its defaults, by the names that converters write", () => {
  const sampling = {
    temp: 0,
    top_k: 20,
    top_p: 0.8,
    min_p: 0.01,
    penalty_repeat: 1.05,
    penalty_last_n: 32,
    xtc_threshold: 1,
  };
  assert.deepEqual(defaultsOf({ sampling }).sampling, {
    temperature: 0,
    topK: 20,
    topP: 0.8,
    minP: 0.01,
    repetitionPenalty: 1.05,
    penaltyLastN: 32,
  });
});

test("a value out of range is no default", () => {
  assert.deepEqual(defaultsOf({ sampling: { temp: -3, top_p: 7, top_k: 2.5 } }).sampling, {});
});

test("a negative top_k means none", () => {
  assert.deepEqual(defaultsOf({ sampling: { top_k: -1 } }).sampling, { topK: 0 });
});

test("what was set for a name wins over the file", () => {
  const parameters = { temperature: 1.5, stop: "END", num_predict: 7, seed: -1, num_ctx: 99 };
  const defaults = defaultsOf({ sampling: { temp: 0, top_k: 5 } }, { parameters, system: "Be brief." });
  assert.deepEqual(defaults.sampling, { temperature: 1.5, topK: 5 });
  assert.deepEqual([defaults.stop, defaults.maxTokens, defaults.system], [["END"], 7, "Be brief."]);
});

test("requests that say nothing get the file's sampling on every route, and others their own", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Yes."), sampling: { temp: 0.25, top_k: 3 } } });
  const samplers = watchSamplers(server.module);
  const messages = [{ role: "user", content: "Hi" }];
  await server.post("/api/generate", { model: "fake", prompt: "one", stream: false, raw: true });
  await server.post("/v1/chat/completions", { model: "fake", messages });
  const response = await (await server.post("/v1/responses", { model: "fake", input: "two" })).json();
  assert.equal((response as Event).temperature, 0.25, "and a response says so");
  await server.post("/v1/completions", { model: "fake", prompt: "three", temperature: 1, top_k: 9 });
  await server.atRest();
  assert.deepEqual(
    samplers.map(({ temperature, topK }) => [temperature, topK]),
    [
      [0.25, 3],
      [0.25, 3],
      [0.25, 3],
      [1, 9],
    ],
  );
});

/** The samplers that sequences are drawn with from now on, in order. */
function watchSamplers(module: FakeEngineModule): SamplerOptions[] {
  const [engine] = module.engines;
  assert.ok(engine);
  const seen: SamplerOptions[] = [];
  const { openSequence, forkSequence, setSampler } = engine;
  engine.openSequence = (sampler) => {
    seen.push(sampler);
    return openSequence.call(engine, sampler);
  };
  engine.forkSequence = (source, tokens, sampler) => {
    seen.push(sampler);
    return forkSequence.call(engine, source, tokens, sampler);
  };
  engine.setSampler = (sequence, sampler) => {
    seen.push(sampler);
    setSampler.call(engine, sequence, sampler);
  };
  return seen;
}
