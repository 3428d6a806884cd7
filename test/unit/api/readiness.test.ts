import assert from "node:assert/strict";
import test from "node:test";
import { deferred } from "../../../src/base/async.js";
import { until } from "../../helpers/scheduler.js";
import { type Event, startServer } from "../../helpers/server.js";

test("a full queue is 503 with Retry-After", async (t) => {
  const config = { "scheduler.slots": 1, "scheduler.queue": 1 };
  const server = await startServer(t, { fake: { manual: true }, config });
  const client = await server.connect();
  const other = await server.connect();
  client.send({ type: "response.create", input: "a", max_output_tokens: 1 });
  await until(() => server.module.engines[0]?.held === true);
  other.send({ type: "response.create", input: "b", max_output_tokens: 1 });
  await until(() => other.events.length > 0);
  for (const stream of [false, true]) {
    const refusedResponse = await server.post("/v1/responses", { input: "c", stream });
    assert.equal(refusedResponse.status, 503);
    assert.equal(refusedResponse.headers.get("retry-after"), "5");
  }
  await server.module.engines[0]?.release();
  await server.module.engines[0]?.release();
  await server.atRest();
});

test("while the model loads, requests wait or are told to try again, and readyz says so", async (t) => {
  const loading = deferred<void>();
  const server = await startServer(t, {
    fake: { loading: loading.promise },
    config: { "model.load_wait_ms": 100 },
    loading: true,
  });
  const ready = await fetch(`${server.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get("retry-after"), "5");
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 200);
  const early = await server.post("/v1/responses", { input: "Hi" });
  assert.equal(early.status, 503);
  assert.equal(((await early.json()) as Event).error.code, "model_loading");
  loading.resolve();
  await until(() => server.models.phase === "ready");
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});
